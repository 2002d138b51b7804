/** The image cannot be built on every machine, so what it is made of is read: every path, command and number in it must be there and fit. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { ENTRY, modules, NODE_FLAGS, runtimeFiles } from "./build.ts";
import { type Instruction, isSent, parseDockerfile, type Stage } from "./dockerfile.ts";
import { filesUnder, importsOf, ROOT, textOf } from "./sources.ts";

const stages = parseDockerfile(textOf("Dockerfile"));
const ignore = textOf(".dockerignore");
const manifest = JSON.parse(textOf("package.json")) as {
  readonly scripts: Readonly<Record<string, string>>;
  readonly devDependencies: Readonly<Record<string, string>>;
};
const last = stages.at(-1) ?? fail("no stage");
const all = (stage: Stage, name: string): readonly Instruction[] => stage.instructions.filter((one) => one.name === name);
const only = (stage: Stage, name: string): Instruction => {
  const [found, ...more] = all(stage, name);
  if (found === undefined || more.length > 0) throw new Error(`${name} is there ${more.length + (found === undefined ? 0 : 1)} times`);
  return found;
};
/** Files a stage copies out of the checkout. */
const taken = stages.flatMap((stage) =>
  all(stage, "COPY")
    .filter(({ flags }) => flags["from"] === undefined)
    .flatMap(({ text }) => text.split(/\s+/u).slice(0, -1)),
);

describe("the Dockerfile", () => {
  test("every stage runs the Node that package.json pins, by a full tag", () => {
    expect(new Set(stages.map(({ image }) => image))).toEqual(new Set([`node:${manifest.devDependencies["node"]}-bookworm-slim`]));
  });

  test("what is copied out of the checkout exists and is sent to the builder", () => {
    expect(taken.filter((path) => !existsSync(join(ROOT, path)))).toEqual([]);
    expect(taken.filter((path) => !isSent(ignore, path))).toEqual([]);
  });

  test("the build has every file it reads", () => {
    const has = (path: string): boolean => taken.some((from) => path === from || path.startsWith(`${from}/`)) && isSent(ignore, path);
    const scripts = reachable("test/meta/build.ts");
    const wanted = [...filesUnder("agent"), ...runtimeFiles(), ...scripts, "LICENSE", "README.md", "tsconfig.json", "tsconfig.build.json"];
    expect(wanted.filter((path) => !has(path))).toEqual([]);
  });

  test("nothing else is sent: no secret, no state, no installed package, no test", () => {
    const not = [
      ".env",
      ".git/config",
      "node_modules/hono/package.json",
      "agent/.env.local",
      "agent/node_modules/x/index.js",
      "restorewatch.yaml",
    ];
    expect(
      [...not, "test/meta/build.test.ts", "test/unit", ".restorewatch/quickstart/node-red.key"].filter((path) => isSent(ignore, path)),
    ).toEqual([]);
  });

  test("what a stage takes of another one is made there", () => {
    const copies = stages.flatMap((stage, at) =>
      all(stage, "COPY").flatMap(({ flags, text }) => {
        const { from } = flags;
        return from === undefined
          ? []
          : [{ from: stages.slice(0, at).find(({ name }) => name === from), path: text.split(/\s+/u)[0] ?? "" }];
      }),
    );
    const made = copies.map(({ from, path }) => {
      if (from === undefined) return `${path}: of no earlier stage`;
      const folder = only(from, "WORKDIR").text;
      const runs = all(from, "RUN").map(({ text }) => text);
      const makes = { [`${folder}/node_modules`]: /^npm ci\b/u, [`${folder}/dist`]: /^npm run build$/u }[path];
      return makes !== undefined && runs.some((run) => makes.test(run));
    });
    expect(made).toEqual([true, true]);
  });

  test("npm is asked for what it has: ci with a lock, scripts that exist", () => {
    const runs = stages.flatMap((stage) => all(stage, "RUN").map(({ text }) => text));
    const npm = runs.filter((text) => text.startsWith("npm "));
    expect(npm.filter((text) => !/^npm (?:ci(?: --(?:omit=dev|ignore-scripts|no-audit|no-fund))*|run \S+)$/u.test(text))).toEqual([]);
    const scripts = npm.flatMap((text) => /^npm run (\S+)$/u.exec(text)?.[1] ?? []);
    expect(scripts).toEqual(["build"]);
    const file = manifest.scripts["build"]?.split(" ").at(-1) ?? "";
    expect(file).toBe("test/meta/build.ts");
    expect(runs.filter((text) => !npm.includes(text))).toEqual([expect.stringMatching(/^install -d -o node /u)]);
  });

  test("what is installed to run has no development dependency", () => {
    const copied = all(last, "COPY").find(({ text }) => text.includes("node_modules"))?.flags["from"];
    const stage = stages.find(({ name }) => name === copied) ?? fail("no such stage");
    expect(all(stage, "RUN").map(({ text }) => text)).toEqual([expect.stringContaining("--omit=dev")]);
  });

  test("starts a file that the build writes, in exec form, so that signals arrive", () => {
    const entry = only(last, "ENTRYPOINT").exec ?? [];
    const app = all(last, "WORKDIR")[0]?.text ?? "";
    expect(entry).toEqual(["node", ...NODE_FLAGS, `${app}/${ENTRY}`]);
    expect(modules()).toContain(ENTRY);
    expect(only(last, "CMD").exec).toEqual(["run"]);
    expect(only(last, "STOPSIGNAL").text).toBe("SIGTERM");
  });

  test("does not run as root, and owns the folder its state is kept in", () => {
    expect(only(last, "USER").text).toMatch(/^[1-9]\d*:[1-9]\d*$/u);
    const folder = only(last, "VOLUME").text;
    expect(all(last, "WORKDIR").at(-1)?.text).toBe(folder);
    const order = last.instructions.map(({ name, text }) => `${name} ${text}`);
    const owned = order.findIndex((line) => line.startsWith("RUN install -d -o node") && line.endsWith(` ${folder}`));
    expect(owned).toBeGreaterThan(-1);
    expect(owned).toBeLessThan(order.findIndex((line) => line.startsWith("VOLUME")));
    expect(owned).toBeLessThan(order.findIndex((line) => line.startsWith("USER")));
  });

  test("listens on loopback unless told, on the port that is told and asked for health", () => {
    const schema = JSON.parse(textOf("agent/config/restorewatch.schema.json")) as {
      readonly properties: { readonly http: { readonly properties: { readonly listen: { readonly default: string } } } };
    };
    const { default: listen } = schema.properties.http.properties.listen;
    expect(listen).toMatch(/^127\.0\.0\.1:\d+$/u);
    expect(textOf("Dockerfile")).not.toMatch(/^(?:ENV|ENTRYPOINT|CMD).*0\.0\.0\.0/mu);
    expect(only(last, "EXPOSE").text).toBe(listen.split(":")[1]);
    const health = only(last, "HEALTHCHECK");
    expect(health.exec?.slice(0, 2)).toEqual(["node", "-e"]);
    expect(health.exec?.[2]).toContain(`'http://${listen}/healthz'`);
    expect(textOf("agent/http/app.ts")).toContain('"/healthz"');
  });

  test("no layer holds a secret", () => {
    const told = stages.flatMap((stage) => [...all(stage, "ENV"), ...all(stage, "ARG")]).map(({ text }) => text);
    expect(told).toEqual(["NODE_ENV=production"]);
    expect(stages.flatMap((stage) => all(stage, "ADD"))).toEqual([]);
  });
});

describe("the reader of Dockerfiles", () => {
  test("refuses what Docker would", () => {
    expect(() => parseDockerfile("FROM a\nRUM true")).toThrow("not an instruction: RUM true");
    expect(() => parseDockerfile("RUN true\nFROM a")).toThrow("before any FROM");
    expect(() => parseDockerfile('FROM a\nCMD ["a",]')).toThrow();
  });

  test("knows which lines of .dockerignore win", () => {
    const text = "*\n!agent\n**/*.test.ts\n# !node_modules\n!test/meta";
    expect(
      ["agent/a/b.ts", "agent/b.test.ts", "node_modules/a", "test/meta/c.ts", "test/unit/d.ts", "agents"].map((path) => isSent(text, path)),
    ).toEqual([...[true, false, false, true, false, false]]);
  });
});

/** A file and what it imports of our own. */
function reachable(path: string, seen = new Set<string>()): string[] {
  if (seen.has(path)) return [];
  seen.add(path);
  return [path, ...importsOf(path).flatMap((line) => (line.own ? reachable(line.to, seen) : []))];
}

function fail(why: string): never {
  throw new Error(why);
}
