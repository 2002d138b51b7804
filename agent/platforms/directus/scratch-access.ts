/** What others than the administrator see of a restored project, and what the next insert meets. */
import type { Collection } from "../../core/content.ts";
import { AgentError } from "../../core/errors.ts";
import type { AccessProbe, AccessSeen, Json, PlatformDeps, RestoreSet, ScratchProbe } from "../../core/platform-ports.ts";
import { z } from "zod";
import { type Client, type Connection, createClient } from "./client.ts";
import { refusalOf } from "./errors.ts";
import { isNumber, readingOf } from "./records.ts";
import * as answers from "./schema.ts";

export function createAccessProbe(
  client: Client,
  connection: Omit<Connection, "token">,
  deps: Pick<PlatformDeps, "http" | "random" | "clock">,
): AccessProbe {
  const open = (token: string | null): Client =>
    createClient({ ...connection, token: token === null ? null : { reveal: () => Promise.resolve(token) } }, deps);
  return {
    asOutsider: async (_workspace, set, signal) => seen(open(null), set, false, publicPolicies(set), signal),
    asRestricted: async (workspace, set, signal) => {
      const role = leastRole(set);
      if (role === null) return { session: false, collections: [] };
      const token = Array.from({ length: 4 }, () => Math.floor(deps.random.next() * 2 ** 40).toString(36)).join("");
      const email = `restorewatch-${Math.floor(deps.random.next() * 1e9)}@example.com`;
      const { id } = await client.post(
        "/users",
        { email, role: role.id, token, description: workspace.tag },
        answers.createdSchema,
        signal,
      );
      try {
        const other = open(token);
        const session = await other.get("/users/me", answers.meSchema, signal).then(
          () => true,
          (thrown: unknown) => {
            if (refusalOf(thrown)?.code === "FORBIDDEN") return true;
            if (thrown instanceof AgentError && thrown.kind === "auth") return false;
            throw thrown;
          },
        );
        return await seen(other, set, session, role.policies, signal);
      } finally {
        await client.remove("/users/{id}", { id }, signal);
      }
    },
  };
}

async function seen(
  client: Client,
  set: RestoreSet,
  session: boolean,
  policies: readonly string[],
  signal: AbortSignal,
): Promise<AccessSeen> {
  const rules = permissionsOf(set).filter((one) => one.action === "read" && one.policy !== null && policies.includes(one.policy));
  const collections: AccessSeen["collections"][number][] = [];
  for (const collection of set.collections) {
    const visible = await visibleIn(client, collection, signal);
    const rule = rules.filter((one) => one.collection === collection.id);
    const holds = (set.records.get(collection.id)?.length ?? 0) > 0;
    const whole = rule.some((one) => JSON.stringify(one.permissions ?? {}) === "{}");
    // A rule that filters may show some or none: only reading what it says could tell.
    const shouldSee = rule.length === 0 ? false : whole ? holds : null;
    collections.push({ collection: collection.id, visible, shouldSee });
  }
  return { session, collections };
}

async function visibleIn(client: Client, collection: Collection, signal: AbortSignal): Promise<number> {
  try {
    return await client.count(collection.id, signal);
  } catch (thrown) {
    if (thrown instanceof AgentError && thrown.kind === "auth") return 0;
    throw thrown;
  }
}

function permissionsOf(set: RestoreSet): readonly answers.Permission[] {
  return z.array(answers.permissionSchema).parse(set.originals["directus-permissions"] ?? []);
}

function publicPolicies(set: RestoreSet): readonly string[] {
  const access = z.array(answers.accessSchema).parse(set.originals["directus-access"] ?? []);
  return access.filter((one) => one.role === null && one.user === null).flatMap((one) => (one.policy === null ? [] : [one.policy]));
}

/** Of the roles that may read a collection at all, the one that may do least; roles have what their parents have, but not what is public. */
function leastRole(set: RestoreSet): { readonly id: string; readonly policies: readonly string[] } | null {
  const roles = z.array(answers.roleSchema).parse(set.originals["directus-roles"] ?? []);
  const access = z.array(answers.accessSchema).parse(set.originals["directus-access"] ?? []);
  const admins = new Set(
    z
      .array(answers.policySchema)
      .parse(set.originals["directus-policies"] ?? [])
      .filter((one) => one.admin_access)
      .map((one) => one.id),
  );
  const rules = permissionsOf(set);
  const policiesOf = (role: string): readonly string[] => {
    const line: string[] = [];
    for (let at: string | null = role; at !== null && !line.includes(at); at = roles.find((one) => one.id === line.at(-1))?.parent ?? null)
      line.push(at);
    return access.filter((one) => one.role !== null && line.includes(one.role)).flatMap((one) => (one.policy === null ? [] : [one.policy]));
  };
  const candidates = roles
    .map(({ id }) => ({ id, policies: policiesOf(id) }))
    .filter(({ policies }) => !policies.some((policy) => admins.has(policy)))
    .map((one) => ({ ...one, rules: rules.filter((rule) => rule.policy !== null && one.policies.includes(rule.policy)) }))
    .filter((one) =>
      one.rules.some((rule) => rule.action === "read" && set.collections.some((collection) => collection.id === rule.collection)),
    )
    .sort((a, b) => a.rules.length - b.rules.length || (a.id < b.id ? -1 : 1));
  return candidates[0] ?? null;
}

export function createScratchProbe(client: Client): ScratchProbe {
  return {
    nextInsert: async (_workspace, collection, signal) => {
      const { shape } = await readingOf(client, collection, signal);
      const automatic = shape.key.schema?.has_auto_increment === true || shape.key.meta?.special.includes("uuid") === true;
      if (shape.singleton || !automatic) return "not-possible";
      // A copy of a record, without its key and what must not be there twice.
      const [row] = await client.rows(
        collection.id,
        {
          limit: 1,
          fields: collection.fields.filter((field) => shape.columns.some((one) => one.field === field.id)).map((field) => field.id),
        },
        signal,
      );
      const unique = new Set(collection.fields.filter((field) => field.unique).map((field) => field.id));
      const body = Object.fromEntries(Object.entries(row ?? {}).filter(([name]) => !unique.has(name))) as Readonly<Record<string, Json>>;
      try {
        const { data } = (
          await client.http.json({
            method: "POST",
            path: "/items/{collection}",
            parameters: { collection: collection.id },
            body,
            schema: answers.dataOf(z.record(z.string(), z.unknown())),
            signal,
          })
        ).body;
        await client.remove("/items/{collection}/{key}", { collection: collection.id, key: String(data[shape.key.field]) }, signal);
        return "ok";
      } catch (thrown) {
        const refusal = refusalOf(thrown);
        if (refusal === null) throw thrown;
        return refusal.code === "RECORD_NOT_UNIQUE" && isNumber(shape) ? "collides" : "not-possible";
      }
    },
    reconnect: () => Promise.resolve(new Map()),
    audit: async (workspace, signal) => {
      const query = { "aggregate[count]": "*" };
      const total = (await client.get("/activity", answers.countSchema, signal, query))[0]?.count ?? 0;
      const own = { ...query, "filter[collection][_eq]": "directus_folders", "filter[item][_eq]": workspace.id };
      return { entries: total, mentionsLoad: ((await client.get("/activity", answers.countSchema, signal, own))[0]?.count ?? 0) > 0 };
    },
  };
}
