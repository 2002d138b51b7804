/** The shipped configurations of the stack, started natively: only host names and places are other ones. */
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { parse, stringify } from "yaml";
import { ROOT, textOf } from "../meta/sources.ts";

export const COLLECTOR_CONFIG = join(ROOT, "collector-config/collector.yaml");
export const overlay = (name: string): string => join(ROOT, `collector-config/overlays/${name}.yaml`);

/** On top of collector.yaml: sinks of tests read JSON, and nobody waits half a minute. */
export const FOR_TESTS = stringify({
  exporters: Object.fromEntries(
    ["otlp_http/tempo", "otlp_http/loki"].map((name) => [
      name,
      { encoding: "json", compression: "none", retry_on_failure: { initial_interval: "200ms" } },
    ]),
  ),
});

/** What a test sets in the environment to see soon what takes half a minute elsewhere. */
export const SOON = { METRICS_FLUSH_INTERVAL: "1s", EDGE_TTL: "1s", RETRY_MAX_INTERVAL: "1s" };

interface PrometheusConfig {
  readonly global: Record<string, string>;
  rule_files: string[];
  alerting: { alertmanagers: { static_configs: { targets: string[] }[] }[] };
  scrape_configs: { job_name: string; static_configs: { targets: string[] }[] }[];
}

export interface Places {
  /** HOST:PORT by name in docker-compose.yml, with its port: `agent:9464`. */
  readonly hosts: Readonly<Record<string, string>>;
  /** More often than the shipped ones, where a test waits for them. */
  readonly intervals?: { readonly scrape: string; readonly evaluation: string };
  /** Other rule files than the shipped ones, absolute. */
  readonly rules?: readonly string[];
}

/** collector-config/prometheus.yaml with hosts and paths of this machine. Throws where it names a host that is not given. */
export function prometheusConfig({ hosts, intervals, rules }: Places): string {
  const config = parse(textOf("collector-config/prometheus.yaml")) as PrometheusConfig;
  const native = (targets: readonly string[]): string[] =>
    targets.map((target) => {
      const host = hosts[target];
      if (host === undefined) throw new Error(`no host is given for ${target}`);
      return host;
    });
  if (intervals !== undefined) {
    config.global["scrape_interval"] = intervals.scrape;
    config.global["evaluation_interval"] = intervals.evaluation;
  }
  config.rule_files = rules === undefined ? config.rule_files.map((path) => join(ROOT, "rules", path.split("/").at(-1) ?? "")) : [...rules];
  for (const one of [...config.alerting.alertmanagers, ...config.scrape_configs])
    for (const each of one.static_configs) each.targets = native(each.targets);
  return stringify(config);
}

interface Route {
  group_wait?: string;
  group_interval?: string;
  repeat_interval?: string;
  routes?: Route[];
}

/**
 * rules/alertmanager.yaml with the inbox of a test for mail server and webhooks; `/pages`, `/tickets` and `/dead-man` are their paths.
 * Notifications leave at once instead of after half a minute; what is grouped, routed and inhibited is as shipped.
 */
export async function alertmanagerConfig(home: string, inbox: { readonly url: string; readonly smtp: string }): Promise<string> {
  const secrets = join(home, "secrets");
  await mkdir(secrets, { recursive: true });
  for (const [file, path] of [
    ["pages-webhook", "pages"],
    ["tickets-webhook", "tickets"],
    ["dead-man-url", "dead-man"],
  ] as const)
    await writeFile(join(secrets, file), `${inbox.url}/${path}`);
  const text = textOf("rules/alertmanager.yaml")
    .replaceAll("/etc/alertmanager/secrets", secrets)
    .replaceAll("/etc/alertmanager/templates", join(ROOT, "rules/templates"));
  const config = parse(text) as { global: Record<string, string>; route: Route };
  config.global["smtp_smarthost"] = inbox.smtp;
  const soon = (route: Route): void => {
    if (route.group_wait !== undefined) route.group_wait = "500ms";
    if (route.group_interval !== undefined) route.group_interval = "1s";
    for (const one of route.routes ?? []) soon(one);
  };
  soon(config.route);
  return stringify(config);
}
