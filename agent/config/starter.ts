/**
 * The commented starter that `restorewatch init` writes: every field there is, with its description.
 * A line that begins with `# ` is prose; any other `#` stands before a setting, which taking the `#` out turns on.
 */
import { stringify } from "yaml";
import { configJsonSchema, type JsonSchema } from "./json-schema.ts";
import type { ConfigRegistries } from "./schema.ts";

/** What the starter turns on; everything else is there, commented out. */
type Sample = Readonly<Record<string, unknown>>;

const WIDTH = 120;

/**
 * @param schemaLocation path or address of the JSON Schema, for editors that read the first line
 * @returns the text of a valid configuration
 */
export function starterYaml(registries: ConfigRegistries, schemaLocation: string): string {
  const schema = configJsonSchema(registries);
  return [
    `# yaml-language-server: $schema=${schemaLocation}`,
    "# Configuration of Restorewatch. Change what is on, take the # out of what you need, then run: restorewatch check",
    "# Durations: 30s, 15m, 24h, 30d. Sizes: 256MB, 4GB. Relative paths start from the folder of this file.",
    "# A secret is never written here: use {env: NAME}, {file: PATH} or {command: [PROGRAM, ARGUMENT]}.",
    ...Object.entries(schema.properties ?? {}).flatMap(([key, property]) => ["", ...field(key, property, sample(schema)[key])]),
    "",
  ].join("\n");
}

function sample(schema: JsonSchema): Sample {
  const kind = firstKind(schema);
  const vault = Object.fromEntries((kind.required ?? []).map((key) => [key, exampleOf(key, kind.properties?.[key] ?? {})]));
  return {
    vaults: { nightly: vault },
    sources: [
      {
        id: "crm",
        platform: { type: "grist" },
        owner: { team: "sales-ops" },
        domain: "sales",
        objectives: { rpo: "36h", rto: "1h" },
        backups: { vault: "nightly", path: "crm", every: "24h" },
      },
    ],
  };
}

function firstKind(schema: JsonSchema): JsonSchema {
  const values = schema.properties?.["vaults"]?.additionalProperties;
  return (typeof values === "object" ? values.oneOf?.[0] : undefined) ?? {};
}

/** Sections that mean something only when the platform is more than a label: they are shown, and cannot be turned on alone. */
const NEED_CONNECTION: readonly string[] = ["scratch", "capture"];

/** Lines of one field; a field that is not in the sample comes as comment. */
function field(key: string, schema: JsonSchema, value: unknown): string[] {
  if (NEED_CONNECTION.includes(key)) return needsConnection(key, schema);
  if (key === "relations") return listExample(key, schema);
  const prose = schema.description === undefined ? [] : wrap(schema.description);
  const lines = [...prose, ...(schema.enum === undefined ? [] : wrap(`One of ${schema.enum.join(", ")}.`)), ...body(key, schema, value)];
  return value === undefined ? off(lines) : lines;
}

function needsConnection(key: string, schema: JsonSchema): string[] {
  const examples = Object.entries((exampleTree(key, schema) ?? {}) as Sample).map(([name, value]) => `# ${key}.${name}: ${inline(value)}`);
  return [
    ...wrap(`${schema.description ?? ""} Only where platform says how to reach the product.`),
    ...(examples.length === 0 ? [`# ${key}: {}`] : examples),
  ];
}

/** A list whose items the sample has none of: one item of examples, commented out as a whole. */
function listExample(key: string, schema: JsonSchema): string[] {
  const settings = Object.entries(schema.items?.properties ?? {}).map(
    ([name, property]) => `${name}: ${inline(exampleOf(name, property))}`,
  );
  return off([...wrap(schema.description ?? ""), `${key}:`, ...indent(listItem(settings))]);
}

function body(key: string, schema: JsonSchema, value: unknown): string[] {
  if (key === "vaults" && schema.additionalProperties !== undefined) return [`${key}:`, ...indent(vaults(schema, value))];
  if (schema.type === "array" && schema.items?.properties !== undefined && Array.isArray(value)) {
    return [`${key}:`, ...value.flatMap((item) => indent(listItem(members(schema.items ?? {}, item))))];
  }
  if (schema.properties !== undefined) return [`${key}:`, ...indent(members(schema, value))];
  const shown = value ?? exampleOf(key, schema);
  // An empty map or list shows nobody how to write it.
  return shown === undefined ? [] : [`${key}: ${inline(shown)}`];
}

/** Fields of a map; within one that is commented out as a whole, none is commented a second time unless it may be left out. */
function members(schema: JsonSchema, value: unknown): string[] {
  const given = (value ?? {}) as Sample;
  return Object.entries(schema.properties ?? {}).flatMap(([key, property]) => {
    const lines = field(key, property, given[key] ?? (value === undefined ? exampleTree(key, property) : undefined));
    return NEED_CONNECTION.includes(key) || lines.some((line) => !/^#* /u.test(line)) ? lines : [];
  });
}

/** In a commented section every field shows an example, so that taking out its `#`s gives a whole section. */
function exampleTree(key: string, schema: JsonSchema): unknown {
  if (schema.properties === undefined) return exampleOf(key, schema);
  const entries = Object.entries(schema.properties).map(([name, property]) => [name, exampleTree(name, property)] as const);
  return Object.fromEntries(entries.filter(([, value]) => value !== undefined));
}

function vaults(schema: JsonSchema, value: unknown): string[] {
  const kinds = typeof schema.additionalProperties === "object" ? (schema.additionalProperties.oneOf ?? []) : [];
  return Object.entries((value ?? {}) as Sample).flatMap(([name, config]) => {
    const kind = kinds.find((candidate) => candidate.properties?.["type"]?.const === (config as Sample)["type"]) ?? {};
    const { type, ...rest } = kind.properties ?? {};
    return [`${name}:`, ...indent(members({ properties: { ...(type === undefined ? {} : { type }), ...rest } }, config))];
  });
}

function exampleOf(key: string, schema: JsonSchema): unknown {
  if (schema.const !== undefined) return schema.const;
  if (schema.examples?.[0] !== undefined) return schema.examples[0];
  if (schema.default !== undefined && !isEmpty(schema.default)) return schema.default;
  if (schema.enum !== undefined) return schema.enum[0];
  if (typeof schema.additionalProperties === "object" && key === "headers")
    return { authorization: schema.additionalProperties.examples?.[0] };
  return schema.type === "string" ? (/path|directory|root/iu.test(key) ? "./backups" : schema.default) : undefined;
}

function isEmpty(value: unknown): boolean {
  return typeof value === "object" && value !== null && Object.keys(value).length === 0;
}

function listItem(lines: readonly string[]): string[] {
  // The dash stands before the first setting; prose above it goes above the dash.
  const first = lines.findIndex((line) => !line.startsWith("#"));
  return lines.map((line, index) => (index < first ? line : index === first ? `- ${line}` : line === "" ? line : `  ${line}`));
}

/** Comments lines out: `#` directly before a setting, and prose stays prose. */
function off(lines: readonly string[]): string[] {
  return lines.map((line) => (/^# \S/u.test(line) ? line : `#${line}`));
}

function indent(lines: readonly string[]): string[] {
  return lines.map((line) => (line === "" ? line : `  ${line}`));
}

function wrap(text: string): string[] {
  const lines: string[] = [];
  let line = "#";
  for (const word of text.split(" ")) {
    if (line.length + word.length >= WIDTH - 12) {
      lines.push(line);
      line = "#";
    }
    line += ` ${word}`;
  }
  return [...lines, line];
}

/** A value on one line, as YAML. */
function inline(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(inline).join(", ")}]`;
  if (typeof value === "object" && value !== null) {
    return `{ ${Object.entries(value)
      .map(([key, item]) => `${key}: ${inline(item)}`)
      .join(", ")} }`;
  }
  const text = stringify(value, { lineWidth: 0 }).trim();
  return typeof value === "string" && /[,[\]{}]/u.test(text) && !/^["']/u.test(text) ? JSON.stringify(value) : text;
}
