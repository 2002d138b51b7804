/**
 * Rules over more than one field. They look at the raw values and pass over what the schema rejects already,
 * so that one load tells everything there is to mend.
 */
import path from "node:path";
import { needsConnector } from "./connections.ts";
import { parseDuration } from "../kit/duration.ts";
import type { Problem } from "./document.ts";
import { ID_PATTERN, normaliseVaultPath, quoted } from "./fields.ts";
import { closest } from "./problems.ts";

export interface RuleFindings {
  readonly errors: readonly Problem[];
  readonly warnings: readonly Problem[];
}

/** @param raw the value of the YAML document, of any shape */
export function crossCheck(raw: unknown): RuleFindings {
  const errors: Problem[] = [];
  const warnings: Problem[] = [];
  const sources = listAt(raw, "sources");
  const vaults = Object.keys(mapAt(raw, "vaults") ?? {});
  errors.push(...uniqueIds(sources), ...uniquePlaces(sources), ...places(raw));
  for (const [index, source] of sources.entries()) {
    const at = ["sources", index];
    errors.push(...knownVault(source, at, vaults), ...schedule(source, at), ...verification(source, at));
    warnings.push(...doubts(source, at));
  }
  errors.push(...knownRelations(raw, sources));
  const used = new Set(sources.map((source) => field(mapAt(source, "backups"), "vault")));
  for (const vault of vaults) {
    if (!used.has(vault))
      warnings.push({ at: ["vaults", vault], text: "no source uses this vault; mend: name it under backups.vault, or take it out" });
  }
  warnings.push(...openDoors(raw));
  return { errors, warnings };
}

function uniqueIds(sources: readonly unknown[]): Problem[] {
  const first = new Map<string, number>();
  return sources.flatMap((source, index) => {
    const id = field(source, "id");
    if (typeof id !== "string" || !ID_PATTERN.test(id)) return [];
    const before = first.get(id);
    if (before === undefined) {
      first.set(id, index);
      return [];
    }
    return [
      { at: ["sources", index, "id"], text: `${quoted(id)} is already the id of sources[${before}]; mend: give each source its own` },
    ];
  });
}

/** Both sides must be sources with backups, and each relation has a name of its own. */
function knownRelations(raw: unknown, sources: readonly unknown[]): Problem[] {
  const backed = sources.filter((source) => field(source, "backups") !== undefined).map((source) => field(source, "id"));
  const names = listAt(raw, "relations").map((relation) => field(relation, "name"));
  return listAt(raw, "relations").flatMap((relation, index) => {
    const at = ["relations", index];
    const problems: Problem[] = [];
    if (typeof names[index] === "string" && names.indexOf(names[index]) < index)
      problems.push({ at: [...at, "name"], text: `${quoted(names[index])} is already a relation; mend: give each its own name` });
    for (const side of ["from", "to"]) {
      const written = field(relation, side);
      const source = typeof written === "string" ? written.split("/")[0] : undefined;
      if (source === undefined || backed.includes(source)) continue;
      problems.push({ at: [...at, side], text: `${quoted(source)} is no source with backups; mend: name one of sources` });
    }
    return problems;
  });
}

function uniquePlaces(sources: readonly unknown[]): Problem[] {
  const first = new Map<string, number>();
  return sources.flatMap((source, index) => {
    const backups = mapAt(source, "backups");
    const vault = field(backups, "vault");
    const within = field(backups, "path") ?? "";
    const pattern = field(backups, "pattern") ?? "*";
    if (typeof vault !== "string" || typeof within !== "string") return [];
    const key = JSON.stringify([vault, normaliseVaultPath(within), pattern]);
    const before = first.get(key);
    if (before === undefined) {
      first.set(key, index);
      return [];
    }
    return [
      {
        at: ["sources", index, "backups", field(backups, "path") === undefined ? "vault" : "path"],
        text: `sources[${before}] has the same backups (vault, path and pattern); mend: give each source its own path or pattern`,
      },
    ];
  });
}

/** The work directory is emptied at start, so nothing that must stay may lie in it. */
function places(raw: unknown): Problem[] {
  const work = textOr(field(mapAt(raw, "agent"), "workDirectory"), "./restorewatch-work");
  const kept: readonly (readonly [string, string, string])[] = [
    ["state", "sqlite", textOr(field(mapAt(raw, "state"), "sqlite"), "./restorewatch.db")],
    ["evidence", "directory", textOr(field(mapAt(raw, "evidence"), "directory"), "./evidence")],
  ];
  const folder = path.resolve("/config", work);
  return kept.flatMap(([section, key, written]) => {
    const place = path.resolve("/config", written);
    if (place !== folder && !place.startsWith(`${folder}${folder.endsWith("/") ? "" : "/"}`)) return [];
    return [
      {
        at: field(mapAt(raw, "agent"), "workDirectory") === undefined ? [section, key] : ["agent", "workDirectory"],
        text: `${section}.${key} lies in agent.workDirectory, which is emptied at start; mend: give them folders of their own`,
      },
    ];
  });
}

function knownVault(source: unknown, at: readonly PropertyKey[], vaults: readonly string[]): Problem[] {
  const vault = field(mapAt(source, "backups"), "vault");
  if (typeof vault !== "string" || vaults.includes(vault)) return [];
  const near = closest(vault, vaults);
  const mend =
    near !== null
      ? `did you mean ${near}?`
      : vaults.length > 0
        ? `write one of ${vaults.join(", ")}, or add it under vaults`
        : "add it under vaults";
  return [{ at: [...at, "backups", "vault"], text: `no vault is called ${quoted(vault)}; mend: ${mend}` }];
}

function schedule(source: unknown, at: readonly PropertyKey[]): Problem[] {
  const backups = mapAt(source, "backups");
  const every = durationOf(field(backups, "every"));
  const jitter = durationOf(field(backups, "jitter"));
  const retention = durationOf(field(backups, "retention"));
  const settle = durationOf(field(backups, "settle"));
  const longest = durationOf(field(mapAt(source, "data"), "retention"));
  const minPoints = field(backups, "minPoints");
  const problems: Problem[] = [];
  if (longest !== null && retention !== null && longest.ms < retention.ms) {
    problems.push({
      at: [...at, "data", "retention"],
      text: `${longest.text} is shorter than backups.retention (${retention.text}), so backups must be kept that may not be; mend: write at least ${retention.text}, or shorten backups.retention`,
    });
  }
  const add = (key: string, text: string): number => problems.push({ at: [...at, "backups", key], text });
  if (jitter !== null && field(backups, "every") === undefined) {
    add("jitter", "jitter means nothing without every; mend: add every, the expected time between backups");
  }
  if (every === null) return problems;
  if (jitter !== null && jitter.ms >= every.ms) {
    add("jitter", `${jitter.text} is not shorter than every (${every.text}); mend: write less, a quarter of every is usual`);
  }
  if (settle !== null && settle.ms >= every.ms) {
    add("settle", `${settle.text} is not shorter than every (${every.text}), so a backup would always wait; mend: write less`);
  }
  if (retention !== null && retention.ms < every.ms) {
    add("retention", `${retention.text} is shorter than every (${every.text}), so no backup could be kept; mend: write more`);
  } else if (retention !== null && typeof minPoints === "number" && (minPoints - 1) * every.ms > retention.ms) {
    const most = Math.floor(retention.ms / every.ms) + 1;
    add(
      "minPoints",
      `${minPoints} backups cannot fit in a retention of ${retention.text} with one every ${every.text}; mend: write at most ${most}, or lengthen retention`,
    );
  }
  return problems;
}

function verification(source: unknown, at: readonly PropertyKey[]): Problem[] {
  const verify = mapAt(source, "verify");
  const layers = listAt(verify, "layers");
  const problems: Problem[] = [];
  for (const [index, layer] of layers.entries()) {
    if (layers.indexOf(layer) < index) {
      problems.push({ at: [...at, "verify", "layers", index], text: `${quoted(layer)} is written twice; mend: keep one` });
    }
  }
  const platform = mapAt(source, "platform");
  if (platform !== null && Object.keys(platform).every((key) => key === "type")) {
    // Said here too, so that it is told beside everything else there is to mend.
    for (const layer of ["scratch", "live"] as const) {
      const index = layers.indexOf(layer);
      if (index >= 0) problems.push({ at: [...at, "verify", "layers", index], text: needsConnector(layer) });
    }
  }
  if (layers.includes("content") && !layers.includes("artifact")) {
    problems.push({ at: [...at, "verify", "layers"], text: "content rests on artifact; mend: write [artifact, content]" });
  }
  return problems;
}

/** What is allowed but probably not meant. */
function doubts(source: unknown, at: readonly PropertyKey[]): Problem[] {
  const backups = mapAt(source, "backups");
  const objectives = mapAt(source, "objectives");
  const every = durationOf(field(backups, "every"));
  const rpo = durationOf(field(objectives, "rpo"));
  const immutable = durationOf(field(backups, "immutable"));
  const retention = durationOf(field(backups, "retention"));
  const repeat = durationOf(field(mapAt(source, "verify"), "repeat"));
  const promised = durationOf(field(objectives, "verify") ?? "7d");
  const poll = durationOf(field(source, "poll") ?? "60s");
  const problems: Problem[] = [];
  if (typeof source === "object" && source !== null && field(source, "backups") === undefined) {
    problems.push({
      at,
      text: "has no backups, so nothing of it is polled or verified; mend: say under backups in which vault they lie, once there are any",
    });
  }
  if (rpo !== null && every !== null && rpo.ms < every.ms) {
    problems.push({
      at: [...at, "objectives", "rpo"],
      text: `${rpo.text} is shorter than backups.every (${every.text}), so it is missed before each backup; mend: back up more often, or write at least ${every.text}`,
    });
  }
  if (rpo !== null && poll !== null && poll.ms > rpo.ms) {
    problems.push({
      at: [...at, "poll"],
      text: `${poll.text} is longer than objectives.rpo, so a breach is seen late; mend: poll more often`,
    });
  }
  if (immutable !== null && retention !== null && immutable.ms > retention.ms) {
    problems.push({
      at: [...at, "backups", "immutable"],
      text: `${immutable.text} is longer than retention (${retention.text}), so old backups cannot be removed in time; mend: write at most ${retention.text}`,
    });
  }
  if (repeat !== null && promised !== null && repeat.ms > promised.ms) {
    problems.push({
      at: [...at, "verify", "repeat"],
      text: `${repeat.text} is longer than objectives.verify (${promised.text}), so it is missed when no new backup comes; mend: write at most ${promised.text}`,
    });
  }
  return problems;
}

function openDoors(raw: unknown): Problem[] {
  const listen = field(mapAt(raw, "http"), "listen");
  if (typeof listen !== "string" || /^(127\.|localhost:|\[::1\]:)/u.test(listen) || !/:\d+$/u.test(listen)) return [];
  return [
    {
      at: ["http", "listen"],
      text: "whoever reaches this address can read every page; mend: listen on 127.0.0.1 behind a proxy that asks who they are, or keep it to a trusted network",
    },
  ];
}

/** With the text as it was written, which is how messages repeat it. */
function durationOf(value: unknown): { readonly ms: number; readonly text: string } | null {
  const ms = typeof value === "string" ? parseDuration(value) : null;
  return ms === null ? null : { ms, text: String(value).trim() };
}

function textOr(value: unknown, otherwise: string): string {
  return typeof value === "string" && value !== "" ? value : otherwise;
}

function mapAt(value: unknown, key: string): Readonly<Record<string, unknown>> | null {
  const inner = field(value, key);
  return typeof inner === "object" && inner !== null && !Array.isArray(inner) ? (inner as Record<string, unknown>) : null;
}

function listAt(value: unknown, key: string): readonly unknown[] {
  const inner = field(value, key);
  return Array.isArray(inner) ? inner : [];
}

function field(value: unknown, key: string): unknown {
  return typeof value === "object" && value !== null && Object.hasOwn(value, key) ? (value as Record<string, unknown>)[key] : undefined;
}
