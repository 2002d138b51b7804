/** The proxy of the environment, as the SDK's connections take it: HTTP_PROXY, HTTPS_PROXY and NO_PROXY, in either case. */
import { AgentError } from "../../core/errors.ts";

export type Env = Readonly<Record<string, string | undefined>>;

/** As the platforms' client has it where nobody says otherwise. */
const NEAR = "127.0.0.1,localhost,::1";

/**
 * @param address of the server
 * @param node version of the Node that runs
 * @returns options of an Agent of node:http or node:https; empty where no proxy stands before that address
 * @throws AgentError `config` / `proxy`, rather than going round a proxy that was asked for
 */
export function proxyOptions(env: Env, address: URL, node: string): { readonly proxyEnv?: Record<string, string> } {
  const pick = (name: string): string => env[name.toLowerCase()] ?? env[name] ?? "";
  const name = address.protocol === "https:" ? "HTTPS_PROXY" : "HTTP_PROXY";
  const proxy = pick(name);
  const noProxy = pick("NO_PROXY") || NEAR;
  if (proxy === "" || isExempt(address.hostname, noProxy)) return {};
  if (!URL.canParse(proxy) || !/^https?:$/u.test(new URL(proxy).protocol))
    throw new AgentError("config", "proxy", `${name} is no address of an http or https proxy.`, {
      mend: "write it as http://proxy.example.org:3128",
    });
  const [major = 0, minor = 0] = node.split(".").map(Number);
  if (major < 24 || (major === 24 && minor < 5))
    throw new AgentError("config", "proxy", `Node ${node} does not reach an S3 server through ${name}.`, {
      mend: `run on Node 24.5 or later, or name ${address.hostname} in NO_PROXY`,
    });
  return { proxyEnv: { [name]: proxy, NO_PROXY: noProxy } };
}

function isExempt(host: string, noProxy: string): boolean {
  const bare = host.replace(/^\[|\]$/gu, "").toLowerCase();
  return noProxy
    .split(/[\s,]+/u)
    .map((entry) =>
      entry
        .trim()
        .toLowerCase()
        .replace(/^\*?\./u, ""),
    )
    .some((entry) => entry === "*" || (entry !== "" && (bare === entry || bare.endsWith(`.${entry}`))));
}
