/** Calls of Node-RED's admin API. Logs in where it is asked to, once more where its login is not taken any longer. */
import { AgentError } from "../../core/errors.ts";
import { sha256Hex } from "../../core/ids.ts";
import type { HttpAnswer, HttpRequest, HttpTargetClient, Json, PlatformDeps } from "../../core/platform-ports.ts";
import type { JsonObject } from "../../kit/json.ts";
import type { Secret } from "../../kit/secret.ts";
import {
  credentialSchema,
  deployedSchema,
  type Flows,
  flowsSchema,
  loginSchema,
  type NodeSets,
  nodeSetsSchema,
  settingsSchema,
  tokenSchema,
} from "./schema.ts";

export interface Connection {
  readonly url: string;
  readonly user?: string | undefined;
  readonly password?: Secret | undefined;
  readonly token?: Secret | undefined;
  readonly allowPlain: boolean;
}

export type Client = ReturnType<typeof createClient>;

/** @param scope what a login is asked to allow: a token for reading cannot write, whoever the user is */
export function createClient(connection: Connection, scope: "read" | "*", deps: Pick<PlatformDeps, "http">) {
  const { user, password, token } = connection;
  let bearer: Promise<string | null> | null = null;
  const open = (headers: () => Promise<Readonly<Record<string, string>>>): HttpTargetClient =>
    deps.http.open({
      baseUrl: connection.url.replace(/\/+$/u, ""),
      allowPlain: connection.allowPlain,
      peer: "node-red",
      headers,
      limits: { requestsPerSecond: null, burst: 5, concurrency: 4, penaltyMs: 30_000 },
      budget: null,
    });
  const bare = open(() => Promise.resolve({}));
  const http = open(async () => {
    const value = token === undefined ? await bearer : await token.reveal();
    // Without a version the flows come without their revision; without Accept the modules come as HTML.
    const common = { "node-red-api-version": "v2", accept: "application/json" };
    return value === null ? common : { ...common, authorization: `Bearer ${value}` };
  });
  const login = async (signal: AbortSignal): Promise<string | null> => {
    if (user === undefined || password === undefined) return null;
    const asked = await bare.json({ method: "GET", path: "/auth/login", schema: loginSchema, signal });
    if (asked.body.type === undefined) return null;
    if (asked.body.type !== "credentials")
      throw new AgentError("auth", "login-elsewhere", "node-red: It has people log in at another place, which the agent cannot do.", {
        mend: "configure a token instead of user and password",
      });
    const body = { client_id: "node-red-admin", grant_type: "password", scope, username: user, password: await password.reveal() };
    const answer = await bare.json({ method: "POST", path: "/auth/token", body, schema: tokenSchema, signal });
    return answer.body.access_token;
  };
  const ready = async (signal: AbortSignal): Promise<void> => {
    bearer ??= login(signal);
    try {
      await bearer;
    } catch (thrown) {
      bearer = null;
      throw thrown;
    }
  };
  const json = async <T>(request: HttpRequest<T>): Promise<HttpAnswer<T>> => {
    if (token !== undefined || user === undefined) return http.json(request);
    await ready(request.signal);
    const used = bearer;
    try {
      return await http.json(request);
    } catch (thrown) {
      if (!(thrown instanceof AgentError) || thrown.kind !== "auth") throw thrown;
      // Several calls may be refused at once: one login serves them all.
      if (bearer === used) bearer = null;
      await ready(request.signal);
      return http.json(request);
    }
  };
  return {
    json,
    /** False where nobody is asked who he is. */
    guarded: async (signal: AbortSignal): Promise<boolean> =>
      (await bare.json({ method: "GET", path: "/auth/login", schema: loginSchema, signal })).body.type !== undefined,
    settings: (signal: AbortSignal) => json({ method: "GET", path: "/settings", schema: settingsSchema, signal }),
    /** @throws AgentError transient `flows-not-whole` where they are not those their revision names, twice in a row */
    flows: async (signal: AbortSignal): Promise<Flows> => {
      const read = async (): Promise<Flows> => (await json({ method: "GET", path: "/flows", schema: flowsSchema, signal })).body;
      const first = await read();
      const flows = isWhole(first) ? first : await read();
      if (isWhole(flows)) return flows;
      throw new AgentError("transient", "flows-not-whole", "node-red: The flows are not those their revision names.", {
        mend: "look at what stands between the agent and Node-RED: something leaves parts of the answer out or rewrites them",
      });
    },
    nodes: async (signal: AbortSignal): Promise<NodeSets> =>
      (await json({ method: "GET", path: "/nodes", schema: nodeSetsSchema, signal })).body,
    credential: async (type: string, id: string, signal: AbortSignal): Promise<Readonly<Record<string, unknown>>> =>
      (await json({ method: "GET", path: "/credentials/{type}/{id}", parameters: { type, id }, schema: credentialSchema, signal })).body,
    /**
     * Writing: only a scratch workspace calls it.
     * @param rev what the instance had when it was looked at: it is not taken where somebody deployed since
     */
    deploy: async (rev: string, flows: readonly JsonObject[], signal: AbortSignal): Promise<string> => {
      const answer = await json({
        method: "POST",
        path: "/flows",
        headers: { "node-red-deployment-type": "full" },
        body: { rev, flows: flows as readonly Json[] },
        accept: [409],
        schema: deployedSchema,
        signal,
      });
      if (answer.body.rev === undefined || answer.status === 409)
        throw new AgentError("transient", "scratch-changed", "node-red: Somebody deployed to the scratch instance meanwhile.", {
          mend: "keep the scratch instance for the agent alone",
        });
      return answer.body.rev;
    },
  };
}

/**
 * Node-RED's revision is the SHA-256 of its flows as JSON: what came can be held against it.
 * @returns true also where that cannot be told: a revision of another kind, or numbers that were read as their digits
 */
export function isWhole({ rev, flows }: Flows): boolean {
  if (!/^[0-9a-f]{64}$/u.test(rev)) return true;
  const text = JSON.stringify(flows);
  return sha256Hex(text) === rev || /"-?\d[\d.eE+-]{14,}"/u.test(text);
}
