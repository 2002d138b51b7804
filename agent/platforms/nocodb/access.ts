/** What others than the administrator see of a restored base. */
import type { AccessProbe, AccessSeen, PlatformDeps, RestoreSet, Workspace } from "../../core/platform-ports.ts";
import { AgentError } from "../../core/errors.ts";
import type { Client } from "./client.ts";
import { ignoredSchema, meSchema } from "./schema.ts";
import { documentsOf } from "./restoring.ts";

/** From least to most. */
const ROLES = ["no-access", "viewer", "commenter", "editor", "creator", "owner"];

/**
 * @param client of the administrator
 * @param restricted of the other user
 */
export function createAccessProbe(
  client: Client,
  restricted: Client,
  connection: { readonly url: string; readonly allowPlain: boolean },
  deps: Pick<PlatformDeps, "http">,
): AccessProbe {
  return {
    asRestricted: async (workspace, set, signal) => {
      const { body: me } = await restricted.http.json({ method: "GET", path: "/api/v1/auth/user/me", schema: meSchema, signal });
      const role = leastRole(set);
      const body = { email: me.email, roles: role };
      await client.send("POST", "/api/v2/meta/bases/{base}/users", { base: workspace.id }, body, ignoredSchema, signal);
      const seen = await look(client, workspace, set, (table) => countOf(() => restricted.count(table, signal)), signal);
      return { session: true, collections: seen.map((one) => ({ ...one, shouldSee: role !== "no-access" && one.held > 0 })) };
    },
    asOutsider: async (workspace, set, signal) => {
      const nobody = deps.http.open({
        baseUrl: connection.url.replace(/\/+$/u, ""),
        allowPlain: connection.allowPlain,
        peer: "nocodb",
        headers: () => Promise.resolve({}),
        limits: { requestsPerSecond: null, burst: 1, concurrency: 1, penaltyMs: 30_000 },
        budget: null,
      });
      const path = "/api/v2/tables/{table}/records";
      const seen = await look(
        client,
        workspace,
        set,
        (table) =>
          countOf(async () => {
            await nobody.json({ method: "GET", path, parameters: { table }, schema: ignoredSchema, signal });
            return 1;
          }),
        signal,
      );
      return {
        session: seen.some((one) => one.visible > 0),
        collections: seen.map((one) => ({ ...one, shouldSee: false })),
      };
    },
  };
}

/** The least role anybody has in the backup; where everybody may do everything, that of a mere reader is tried. */
function leastRole(set: Pick<RestoreSet, "originals">): string {
  const held = new Set(documentsOf(set).members.map((member) => member.role));
  const least = ROLES.find((role) => held.has(role));
  return least === undefined || least === "owner" || least === "creator" ? "viewer" : least;
}

async function look(
  client: Client,
  workspace: Workspace,
  set: RestoreSet,
  count: (table: string) => Promise<number>,
  signal: AbortSignal,
): Promise<readonly (AccessSeen["collections"][number] & { readonly held: number })[]> {
  const tables = new Map((await client.tables(workspace.id, signal)).map((table) => [table.title, table.id]));
  const seen: (AccessSeen["collections"][number] & { readonly held: number })[] = [];
  for (const collection of set.collections) {
    const table = tables.get(collection.name);
    if (table === undefined) continue;
    const held = await client.count(table, signal);
    seen.push({ collection: collection.id, visible: await count(table), shouldSee: null, held });
  }
  return seen;
}

/** Refused is zero: that is what not seeing it looks like. */
async function countOf(work: () => Promise<number>): Promise<number> {
  try {
    return await work();
  } catch (thrown) {
    if (thrown instanceof AgentError && (thrown.kind === "auth" || thrown.kind === "not_found")) return 0;
    throw thrown;
  }
}
