/** Reads a Dockerfile and a .dockerignore as far as ours go. */

export interface Instruction {
  /** Upper case. */
  readonly name: string;
  readonly text: string;
  /** The JSON form of CMD, ENTRYPOINT and the like; null where it is a shell line. */
  readonly exec: readonly string[] | null;
  /** `--from=build` → from: build */
  readonly flags: Readonly<Record<string, string>>;
}

export interface Stage {
  readonly image: string;
  /** Its name, or its number. */
  readonly name: string;
  readonly instructions: readonly Instruction[];
}

/** @throws where a line is none that Docker knows, or comes before the first FROM */
export function parseDockerfile(text: string): readonly Stage[] {
  const stages: { image: string; name: string; instructions: Instruction[] }[] = [];
  const lines = text
    .split("\n")
    .filter((line) => !/^\s*#/u.test(line))
    .join("\n")
    .replaceAll(/\\\n/gu, " ")
    .split("\n");
  for (const line of lines.map((one) => one.trim()).filter((one) => one !== "")) {
    const match = /^([A-Z]+)\s+((?:--[a-z-]+=\S+\s+)*)(.*)$/u.exec(line);
    const [, name = "", flags = "", rest = ""] = match ?? [];
    if (!KNOWN.has(name)) throw new Error(`not an instruction: ${line}`);
    if (name === "FROM") {
      const [image = "", , as] = rest.split(/\s+/u);
      stages.push({ image, name: as ?? String(stages.length), instructions: [] });
      continue;
    }
    const stage = stages.at(-1);
    if (stage === undefined) throw new Error(`before any FROM: ${line}`);
    stage.instructions.push({
      name,
      text: rest,
      exec: execForm(name === "HEALTHCHECK" ? rest.replace(/^CMD\s+/u, "") : rest),
      flags: flagsOf(flags),
    });
  }
  return stages;
}

const KNOWN = new Set(
  "FROM ARG RUN CMD LABEL EXPOSE ENV ADD COPY ENTRYPOINT VOLUME USER WORKDIR ONBUILD STOPSIGNAL HEALTHCHECK SHELL".split(" "),
);

function execForm(text: string): readonly string[] | null {
  if (!text.startsWith("[")) return null;
  const parsed: unknown = JSON.parse(text);
  if (!Array.isArray(parsed) || !parsed.every((part) => typeof part === "string")) throw new Error(`not an exec form: ${text}`);
  return parsed;
}

function flagsOf(text: string): Readonly<Record<string, string>> {
  return Object.fromEntries([...text.matchAll(/--([a-z-]+)=(\S+)/gu)].map((match) => [match[1] ?? "", match[2] ?? ""]));
}

/** Whether a path of the checkout is sent to the builder: the last line that fits it, or a folder above it, decides. */
export function isSent(dockerignore: string, path: string): boolean {
  let sent = true;
  for (const line of dockerignore.split("\n").map((one) => one.trim())) {
    if (line === "" || line.startsWith("#")) continue;
    const negated = line.startsWith("!");
    const pattern = patternOf(negated ? line.slice(1) : line);
    if (pattern.test(path)) sent = negated;
  }
  return sent;
}

function patternOf(glob: string): RegExp {
  const source = glob
    .split("/")
    .map((part) =>
      part === "**"
        ? "(?:[^/]+/)*"
        : `${part
            .replaceAll(/[.+^${}()|[\]\\]/gu, String.raw`\$&`)
            .replaceAll("*", "[^/]*")
            .replaceAll("?", "[^/]")}/`,
    )
    .join("")
    .replace(/\/$/u, "");
  return new RegExp(`^${source}(?:/.*)?$`, "u");
}
