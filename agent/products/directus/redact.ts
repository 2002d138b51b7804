/** Drops what the product should not have told: values under names of secrets, and headers that prove who one is. Pure. */
import type { Json } from "../../core/platform-ports.ts";
import { isObject } from "../../kit/json.ts";

const SECRET = /(?:^|[_-])(?:api[_-]?)?(?:key|token|secret|password|passwd|credentials?)$|authorization|cookie/iu;
/** The same where words are told apart by capitals. */
const CAMEL = /(?:[a-z0-9](?:Token|Secret|Password|Passwd|Credentials?)|(?:api|access|private|secret)Key)$/u;
/** Names of settings and options that end like secrets and are none. */
const HARMLESS: ReadonlySet<string> = new Set(["key", "primary_key"]);

/** @returns the same with null in the place of every secret */
export function withoutSecrets(value: Json): Json {
  if (Array.isArray(value)) return value.map((one: Json) => (namesSecret(one) ? { ...(one as object), value: null } : withoutSecrets(one)));
  if (typeof value === "string") return withoutUserinfo(value);
  if (!isObject(value)) return value;
  return Object.fromEntries(
    Object.entries(value as Readonly<Record<string, Json>>).map(([name, one]) => [
      name,
      isSecret(name) && !HARMLESS.has(name) && typeof one !== "boolean"
        ? null
        : /headers$/u.test(name) && typeof one === "string"
          ? null
          : withoutSecrets(one),
    ]),
  );
}

/** `{header: "Authorization", value: …}`, as the operation `request` keeps its headers. */
function namesSecret(one: Json): boolean {
  if (!isObject(one) || !("value" in one)) return false;
  const { header, name } = one as { header?: unknown; name?: unknown };
  return [header, name].some((text) => typeof text === "string" && (isSecret(text) || /^x-.*(?:key|token|auth)/iu.test(text)));
}

function isSecret(name: string): boolean {
  return SECRET.test(name) || CAMEL.test(name);
}

function withoutUserinfo(text: string): string {
  return text.replace(/^(https?:\/\/)[^/@\s]*@/u, "$1");
}
