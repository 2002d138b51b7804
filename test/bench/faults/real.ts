/** Real documents of others, as they lie in ../shared/data: none of them may raise an alarm but those that are known to be broken. */
import { access, readdir } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { alarms, type CleanResult } from "./measure.ts";
import type { Verifier } from "./verify-here.ts";

const DATA = fileURLToPath(new URL("../../../../shared/data/", import.meta.url));
const FOLDERS = ["grist", "node-red", "baserow"];

/** What is really wrong with them, counted by walking through their JSON without Restorewatch, and the very words it may be told in. */
const BROKEN: Readonly<Record<string, { readonly why: string; readonly alarm: string }>> = {
  "all-fields.json": {
    why: "row 1 of All field types is linked to rows 3, 4 and 5 of Related, which end at 2",
    alarm: "links.resolve: 3 dangling references in All field types.Related",
  },
  "hotel-bookings.json": {
    why: "reservations are linked to rooms 9 and 12 and to customer 4, which are not there",
    alarm: "links.resolve: 3 dangling references in Reservations.Room(s) (2), Reservations.Customer name (1)",
  },
  "recipe-book.json": {
    why: "dish 16 is linked to ingredient 100, which is not there",
    alarm: "links.resolve: 1 dangling reference in Dishes.Ingredients",
  },
};

export interface RealResult extends CleanResult {
  /** Of a document that is broken: why, and whether that was said. */
  readonly broken: { readonly why: string; readonly said: boolean } | null;
}

/** @param formats of these only; all where empty. Null where the data is not there. */
export async function realDocuments(verifier: Verifier, formats: readonly string[]): Promise<readonly RealResult[] | null> {
  const there = await access(DATA).then(
    () => true,
    () => false,
  );
  if (!there) return null;
  const results: RealResult[] = [];
  for (const format of FOLDERS.filter((one) => formats.length === 0 || formats.includes(one)))
    for (const name of (await readdir(join(DATA, format))).sort()) results.push(await realDocument(verifier, format, name));
  return results;
}

async function realDocument(verifier: Verifier, format: string, name: string): Promise<RealResult> {
  const path = join(DATA, format, name);
  const broken = BROKEN[name] ?? null;
  const alone = await verifier.verify(path);
  const held = await verifier.verify(path, { baseline: path });
  const changed = held.checks.filter((check) => check.status === "changed").map((check) => `${check.id} told a change`);
  const all = [...alarms(alone), ...alarms(held).map((one) => `with itself as baseline: ${one}`), ...changed];
  const isKnown = (alarm: string): boolean => broken !== null && [broken.alarm, `with itself as baseline: ${broken.alarm}`].includes(alarm);
  return {
    ...{ document: name, format, falseAlarms: all.filter((alarm) => !isKnown(alarm)) },
    broken: broken === null ? null : { why: broken.why, said: all.some(isKnown) },
  };
}
