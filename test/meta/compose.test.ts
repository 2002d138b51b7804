/** docker-compose.yml cannot be started where these tests run: what can be known of it without is asserted here, the rest in test/stack. */
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { interpolate, mountsOf, publishedPorts, readCompose, Unset } from "../stack/compose.ts";
import { ROOT, textOf } from "./sources.ts";

const compose = readCompose();
const services = Object.entries(compose.services);

/** What listens where within the containers, read from the configurations and commands they start with. */
function listeners(): ReadonlyMap<string, ReadonlySet<number>> {
  const port = (text: string): number => Number(text.split(":").at(-1));
  const serviceOf = (name: string) => {
    const found = compose.services[name];
    if (found === undefined) throw new Error(`no service ${name}`);
    return found;
  };
  const after = (name: string, flag: string): string => {
    const { command = [] } = serviceOf(name);
    return command[command.indexOf(flag) + 1] ?? "";
  };
  interface Tempo {
    readonly server: { readonly http_listen_port: number };
    readonly distributor: {
      readonly receivers: { readonly otlp: { readonly protocols: { readonly http: { readonly endpoint: string } } } };
    };
  }
  const tempo = parse(textOf("collector-config/tempo.yaml")) as Tempo;
  const loki = parse(textOf("collector-config/loki.yaml")) as { readonly server: { readonly http_listen_port: number } };
  const { environment } = serviceOf("collector");
  const collectorMetrics = Number(/METRICS_PORT:-(\d+)/u.exec(textOf("collector-config/collector.yaml"))?.[1]);
  return new Map([
    ["agent", new Set([port(after("agent", "--listen"))])],
    ["collector", new Set([port(environment["OTLP_LISTEN"] ?? ""), port(environment["HEALTH_LISTEN"] ?? ""), collectorMetrics])],
    ["prometheus", new Set([9090])],
    ["alertmanager", new Set([9093])],
    ["tempo", new Set([tempo.server.http_listen_port, port(tempo.distributor.receivers.otlp.protocols.http.endpoint)])],
    ["loki", new Set([loki.server.http_listen_port])],
    ["grafana", new Set([3000])],
    ["s3", new Set([port(after("s3", "--port"))])],
    ["postgres", new Set([5432])],
  ]);
}

describe("docker-compose.yml", () => {
  test("every service, and nothing else, is known to this test", () => {
    expect(services.map(([name]) => name).toSorted()).toEqual([...listeners().keys()].toSorted());
  });

  test("images are pinned to a version", () => {
    for (const [name, { image }] of services) expect(image, name).toMatch(/^[a-z0-9./-]+:v?\d+\.\d+(\.\d+)?(-[a-z0-9]+)?$/u);
  });

  test("nothing listens beyond loopback, no two want the same port, and what is published is listened on", () => {
    const published = services.flatMap(([name, service]) => publishedPorts(service).map((one) => ({ name, ...one })));
    expect(new Set(published.map(({ address }) => address))).toEqual(new Set(["127.0.0.1"]));
    expect(new Set(published.map(({ outside }) => outside)).size).toBe(published.length);
    for (const { name, inside } of published) expect([...(listeners().get(name) ?? [])], name).toContain(inside);
  });

  test("what is mounted is there, is read-only unless it is a volume of its own, and every volume is declared and used", () => {
    const mounts = services.flatMap(([name, service]) => mountsOf(service).map((mount) => ({ name, ...mount })));
    for (const { from, isVolume, name } of mounts) if (!isVolume) expect(existsSync(join(ROOT, from)), `${name}: ${from}`).toBe(true);
    const readOnly = services.flatMap(([, { volumes }]) => volumes.filter((text) => /^[./]/u.test(text)));
    expect(readOnly.filter((text) => !text.endsWith(":ro"))).toEqual([]);
    expect(
      mounts
        .filter(({ isVolume }) => isVolume)
        .map(({ from }) => from)
        .toSorted(),
    ).toEqual(Object.keys(compose.volumes).toSorted());
  });

  test("whoever is waited for is there, and healthy only where somebody asks", () => {
    for (const [name, { depends_on }] of services)
      for (const [other, { condition }] of Object.entries(depends_on)) {
        const check = compose.services[other]?.healthcheck;
        expect(compose.services[other], `${name} waits for ${other}`).toBeDefined();
        if (condition === "service_healthy") expect(check !== undefined && "test" in check, `${name} waits for ${other}`).toBe(true);
      }
  });

  test("everything has a health check but the collector, whose image holds no second program; the agent's is in its image", () => {
    const without = services.filter(([, { healthcheck }]) => healthcheck === undefined || "disable" in healthcheck).map(([name]) => name);
    expect(without).toEqual(["agent", "collector"]);
    expect(textOf("Dockerfile")).toContain("HEALTHCHECK");
    const asked = services.flatMap(([name, { healthcheck }]) =>
      healthcheck !== undefined && "test" in healthcheck
        ? healthcheck.test.flatMap((text) => [...text.matchAll(/127\.0\.0\.1:(\d+)/gu)].map((match) => [name, Number(match[1])] as const))
        : [],
    );
    for (const [name, port] of asked) expect([...(listeners().get(name) ?? [])], name).toContain(port);
  });

  test("no password has a default, and the profiles do not start without theirs", () => {
    interface Raw {
      readonly services: Record<string, { readonly environment?: Record<string, string> }>;
    }
    const raw = Object.values((parse(textOf("docker-compose.yml"), { merge: true }) as Raw).services);
    const secrets = raw
      .flatMap(({ environment = {} }) => Object.entries(environment))
      .filter(([key]) => /PASSWORD|SECRET|ACCESS_KEY/u.test(key));
    expect(secrets.length).toBeGreaterThan(2);
    expect(secrets.filter(([, value]) => !/^\$\{[A-Z0-9_]+:\?/u.test(value))).toEqual([]);
    expect(() => readCompose({})).toThrow(Unset);
    for (const [name, { profiles, environment }] of services)
      if (Object.keys(environment).some((key) => /PASSWORD|SECRET|ACCESS_KEY/u.test(key))) expect(profiles, name).toBeDefined();
    expect(() => interpolate("${S3_ACCESS_KEY_ID:?say it}", {})).toThrow("say it");
    expect(interpolate("$$x ${A:-b} ${A:-b}", { A: "" })).toBe("$x b b");
  });

  test("no service may do more than it needs", () => {
    for (const [name, { cap_drop, security_opt, deploy, restart }] of services) {
      expect(cap_drop, name).toEqual(["ALL"]);
      expect(security_opt, name).toContain("no-new-privileges:true");
      expect(deploy.resources.limits.memory, name).toBeTruthy();
      expect(restart, name).toBe("unless-stopped");
    }
  });
});

describe("the configurations agree with it", () => {
  const HOST = /\b(agent|collector|prometheus|alertmanager|tempo|loki|grafana|s3|postgres):(\d{2,5})\b/gu;
  const files = ["collector-config/prometheus.yaml", "dashboards/provisioning/datasources/restorewatch.yaml", "docker-compose.yml"];

  test.each(files)("%s names only hosts and ports that are listened on", (path) => {
    // Tags of images and users are no ports.
    const lines = textOf(path)
      .split("\n")
      .filter((line) => !/^\s*(image|user|-? ?"?127\.)/u.test(line));
    const named = lines.flatMap((line) => [...line.matchAll(HOST)]);
    expect(named.length).toBeGreaterThan(0);
    for (const [whole, host = "", port] of named) expect([...(listeners().get(host) ?? [])], whole).toContain(Number(port));
  });

  test("the collector's variables exist in its configuration, and each address it has is set", () => {
    const asked = [...textOf("collector-config/collector.yaml").matchAll(/\$\{env:([A-Z_]+)/gu)].map((match) => match[1] ?? "");
    const given = Object.keys(compose.services["collector"]?.environment ?? {});
    expect(given.filter((name) => !asked.includes(name))).toEqual([]);
    expect(asked.filter((name) => /ENDPOINT|LISTEN|HOST|QUEUE_DIR/u.test(name) && !given.includes(name))).toEqual([]);
  });

  test("every path that a configuration names within its container is mounted there", () => {
    const inside = (name: string, path: string): boolean => {
      const service = compose.services[name];
      if (service === undefined) return false;
      const mount = mountsOf(service)
        .filter(({ to }) => path === to || path.startsWith(`${to}/`))
        .toSorted((a, b) => b.to.length - a.to.length)[0];
      if (mount === undefined) return false;
      if (mount.isVolume) return true;
      const place = join(ROOT, mount.from, path.slice(mount.to.length));
      return place.endsWith("*.tmpl") ? readdirSync(join(place, "..")).some((file) => file.endsWith(".tmpl")) : existsSync(place);
    };
    const paths = (file: string): readonly string[] =>
      [...textOf(file).matchAll(/(?:^|[\s"'=])(\/(?:etc|var|prometheus|loki|alertmanager)\/[\w./*-]+)/gmu)].map((match) => match[1] ?? "");
    const named: readonly (readonly [service: string, path: string])[] = [
      ...paths("collector-config/prometheus.yaml").map((path) => ["prometheus", path] as const),
      ...paths("rules/alertmanager.yaml").map((path) => ["alertmanager", path] as const),
      ...paths("collector-config/tempo.yaml").map((path) => ["tempo", path] as const),
      ...paths("collector-config/loki.yaml").map((path) => ["loki", path] as const),
      ...paths("dashboards/provisioning/dashboards/restorewatch.yaml").map((path) => ["grafana", path] as const),
      ["grafana", compose.services["grafana"]?.environment["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"] ?? ""],
      ["collector", compose.services["collector"]?.environment["QUEUE_DIR"] ?? ""],
      ...services.flatMap(([name, { command = [] }]) =>
        command.flatMap((text) => [...text.matchAll(/config[.\w]*=(\/\S+)/gu)].map((match) => [name, match[1] ?? ""] as const)),
      ),
    ];
    expect(named.length).toBeGreaterThan(12);
    expect(named.filter(([service, path]) => !inside(service, path))).toEqual([]);
  });

  test("traces and logs are kept as long as their files say", () => {
    expect(textOf("collector-config/tempo.yaml").match(/block_retention: 336h/gu)).toHaveLength(2);
    expect(textOf("collector-config/loki.yaml")).toContain("retention_period: 336h");
  });
});
