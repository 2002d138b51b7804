/** Backups of a real Directus as people make them: its own snapshot and answers, saved by a script. */
import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";

export interface Exporter {
  readonly url: string;
  readonly token: string;
}

const SYSTEM = [
  "flows",
  "operations",
  "roles",
  "policies",
  "permissions",
  "access",
  "users",
  "settings",
  "dashboards",
  "panels",
  "presets",
  "translations",
  "shares",
  "folders",
  "files",
] as const;

interface DirectusCollection {
  readonly collection: string;
  readonly schema: object | null;
}

async function answer({ url, token }: Exporter, path: string): Promise<Buffer> {
  const got = await fetch(url + path, { headers: { authorization: `Bearer ${token}` } });
  const bytes = Buffer.from(await got.arrayBuffer());
  if (!got.ok) throw new Error(`${path}: ${got.status} ${bytes.toString().slice(0, 300)}`);
  return bytes;
}

async function save(path: string, bytes: Uint8Array | string): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, bytes);
}

const dataOf = (bytes: Buffer): unknown => (JSON.parse(bytes.toString()) as { readonly data: unknown }).data;

export async function tablesOf(from: Exporter): Promise<readonly string[]> {
  const all = dataOf(await answer(from, "/collections")) as readonly DirectusCollection[];
  return all.filter((one) => one.schema !== null && !one.collection.startsWith("directus_")).map((one) => one.collection);
}

/** `curl` in a loop: a snapshot in YAML, and every answer as it came. @param query of the requests for items */
export async function exportByRest(from: Exporter, directory: string, query = "limit=-1&meta=*"): Promise<void> {
  await save(join(directory, "snapshot.yaml"), await answer(from, "/schema/snapshot?export=yaml"));
  for (const table of await tablesOf(from))
    await save(join(directory, "items", `${table}.json`), await answer(from, `/items/${table}?${query}`));
  for (const name of SYSTEM) await save(join(directory, `directus_${name}.json`), await answer(from, `/${name}?limit=-1`));
  await saveFiles(from, join(directory, "files"), (file) => file.id);
}

/** Like the export button, in CSV, beside the snapshot. */
export async function exportByButton(from: Exporter, directory: string, format: "csv" | "json"): Promise<void> {
  await save(join(directory, "snapshot.json"), await answer(from, "/schema/snapshot"));
  for (const table of await tablesOf(from))
    await save(join(directory, `${table}.${format}`), await answer(from, `/items/${table}?limit=-1&export=${format}`));
}

/** The layout of `directus-template-cli extract`. */
export async function exportAsTemplate(from: Exporter, directory: string): Promise<void> {
  const source = join(directory, "src");
  const json = (value: unknown): string => JSON.stringify(value, null, 2);
  const own = (list: unknown): unknown =>
    (list as readonly { readonly collection: string }[]).filter((one) => !one.collection.startsWith("directus_"));
  await save(join(source, "schema", "snapshot.json"), json(dataOf(await answer(from, "/schema/snapshot"))));
  for (const name of ["collections", "fields", "relations"])
    await save(join(source, `${name}.json`), json(own(dataOf(await answer(from, `/${name}`)))));
  for (const table of await tablesOf(from))
    await save(join(source, "content", `${table}.json`), json(dataOf(await answer(from, `/items/${table}?limit=-1`))));
  for (const name of SYSTEM) await save(join(source, `${name}.json`), json(dataOf(await answer(from, `/${name}?limit=-1`))));
  await saveFiles(from, join(source, "assets"), (file) => file.filename_disk);
}

async function saveFiles(
  from: Exporter,
  directory: string,
  nameOf: (file: { readonly id: string; readonly filename_disk: string }) => string,
): Promise<void> {
  for (const file of dataOf(await answer(from, "/files?limit=-1")) as readonly { readonly id: string; readonly filename_disk: string }[])
    await save(join(directory, nameOf(file)), await answer(from, `/assets/${file.id}`));
}
