/** How the live product of a source stands, read from what its probes found: what would stop a capture or a restore is said before it does. Pure. */
import type { ProbeFound, ProbeStatus } from "./state-ports.ts";
import type { PlatformName } from "./words.ts";

export interface ProductProblem {
  /** One sentence without a full stop. */
  readonly sentence: string;
  readonly mend: string | null;
}

export interface ProductStatus {
  readonly platform: PlatformName;
  /** Whether the last probe got through. */
  readonly reachable: boolean;
  readonly probedAt: number;
  /** The last probe that got through, or null. */
  readonly reachedAt: number | null;
  /** As the last probe that got through found it, or null. */
  readonly found: ProbeFound | null;
  /** The version before the one found, and when the change was noticed; null while none was. */
  readonly changed: ProbeStatus["changed"];
  readonly trouble: ProbeStatus["trouble"];
  /** What changed of the platform itself, and not of what people keep on it; sentences without a full stop. */
  readonly drift: readonly string[];
  /** Worst first. */
  readonly problems: readonly ProductProblem[];
}

export function productStatus({ sourceId, platform, probedAt, reachedAt, trouble, found, changed }: ProbeStatus): ProductStatus {
  const problems: ProductProblem[] = [];
  // What a token may do is not known while it is refused.
  if (trouble !== null) problems.push({ sentence: `${platform} could not be asked: ${withoutStop(trouble.message)}`, mend: trouble.mend });
  else if (found !== null) problems.push(...missingPermissions(sourceId, platform, found));
  const drift = driftOf(platform, found?.version ?? null, changed, trouble);
  return { platform, reachable: trouble === null, probedAt, reachedAt, found, changed, trouble, drift, problems };
}

/** One sentence for captures and one for restores, each with everything that is missing; what could not be told is no problem yet. */
function missingPermissions(sourceId: string, platform: PlatformName, { permissions }: ProbeFound): ProductProblem[] {
  return (["capture", "scratch"] as const).flatMap((neededFor) => {
    const missing = permissions.filter((one) => one.neededFor === neededFor && one.granted === false).map((one) => one.name);
    if (missing.length === 0) return [];
    const purpose = neededFor === "capture" ? "a whole capture of it" : "a restore into a scratch workspace";
    return [
      {
        sentence: `The token of ${sourceId} may not ${missing.join(", nor ")} on ${platform}, and ${purpose} needs that`,
        mend: `grant it that on ${platform}, or give ${sourceId} another token`,
      },
    ];
  });
}

function withoutStop(sentence: string): string {
  return sentence.replace(/[.\s]+$/u, "");
}

/** Code of connectors for an answer that does not have the shape they know. */
const OTHER_SHAPE = "unexpected-answer";

/** Another version, or answers of another shape: a backup made of it may differ for that reason alone. */
function driftOf(
  platform: PlatformName,
  version: string | null,
  changed: ProbeStatus["changed"],
  trouble: ProbeStatus["trouble"],
): readonly string[] {
  const versions = changed === null || version === null ? [] : [`${platform} went from version ${changed.from} to ${version}`];
  const shape =
    trouble?.code === OTHER_SHAPE ? [`${platform} answers in a shape that this agent does not know: ${withoutStop(trouble.message)}`] : [];
  return [...shape, ...versions];
}
