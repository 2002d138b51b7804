/** What the configured tokens see on live products and no source covers. Pure. */
import type { DiscoveredScope } from "./platform-ports.ts";
import type { PlatformName } from "./words.ts";

/** What the token of one source sees. */
export interface ProductLook {
  readonly sourceId: string;
  readonly platform: PlatformName;
  /** The product's own id of the installation, or null where it has none or was not reached. */
  readonly instance: string | null;
  /** Where it is asked, without what may be written in several ways; null for a service that has one address only. */
  readonly address: string | null;
  /** Scopes this source stands for: as its probe told, or could be by its configuration where that failed. */
  readonly own: readonly string[];
  /** Null where it could not be asked, or the product has nothing to tell. */
  readonly scopes: readonly DiscoveredScope[] | null;
  /** What could not be looked at, one sentence, or null. */
  readonly problem: string | null;
}

/** A base, workspace or app that no source covers. */
export interface Unprotected extends DiscoveredScope {
  readonly platform: PlatformName;
  readonly instance: string | null;
  readonly address: string | null;
  /** Sources whose tokens see it, by name. */
  readonly seenBy: readonly string[];
}

/** Each once, however many tokens see it. By platform, name and scope. */
export function unprotectedIn(looks: readonly ProductLook[]): Unprotected[] {
  const found: Unprotected[] = [];
  for (const look of looks)
    for (const one of look.scopes ?? []) {
      if (looks.some((other) => samePlace(look, other) && other.own.includes(one.scope))) continue;
      const known = found.findIndex((other) => other.scope === one.scope && samePlace(look, other));
      const before = found[known];
      if (before === undefined) {
        const { platform, instance, address } = look;
        found.push({ ...one, platform, instance, address, seenBy: [look.sourceId] });
      } else
        found[known] = {
          ...before,
          instance: before.instance ?? look.instance,
          seenBy: [...new Set([...before.seenBy, look.sourceId])].sort(),
        };
    }
  const order = (one: Unprotected): string => [one.platform, one.name, one.scope, one.address ?? ""].join("\0");
  return found.sort((a, b) => (order(a) < order(b) ? -1 : 1));
}

/** Platforms where every product was asked and answered: for the others it is not known what no source covers. */
export function askedPlatforms(looks: readonly ProductLook[]): PlatformName[] {
  const platforms = new Set(looks.map((look) => look.platform));
  return [...platforms]
    .filter((platform) => looks.every((look) => look.platform !== platform || (look.problem === null && look.scopes !== null)))
    .sort();
}

/** One installation may be reached by several addresses, and not every token may ask which one it is. */
function samePlace(
  a: Pick<ProductLook, "platform" | "instance" | "address">,
  b: Pick<ProductLook, "platform" | "instance" | "address">,
): boolean {
  if (a.platform !== b.platform) return false;
  return a.address === b.address || (a.instance !== null && a.instance === b.instance);
}
