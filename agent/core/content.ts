/**
 * The content model (verification.md §2): what every format and every platform is read into.
 * Values are canonical before anything compares or digests them.
 */

export const SEMANTIC_TYPES = [
  "text",
  "integer",
  "decimal",
  "boolean",
  "timestamp",
  "date",
  "choice",
  "choices",
  "link",
  "links",
  "file",
  "files",
  "json",
] as const;
export type SemanticType = (typeof SEMANTIC_TYPES)[number];

/** Types whose value is a list of strings; all others are one string or null. */
export const LIST_TYPES: ReadonlySet<SemanticType> = new Set(["choices", "links", "files"]);

/**
 * A canonical value. Absent, empty and null are all `null`.
 * - text, choice: the text
 * - integer, decimal: decimal digits, never through a double for big integers
 * - boolean: `true` | `false`
 * - timestamp: `YYYY-MM-DDTHH:MM:SS.sssZ`; date: `YYYY-MM-DD`
 * - choices, links, files: sorted list without duplicates of option texts, target keys, file ids
 * - link, file: one target key, one file id
 * - json: JSON text with sorted keys
 * A value that does not fit its declared type is kept as its raw text: `records.types` reports it.
 */
export type Value = string | readonly string[] | null;

export interface Field {
  readonly id: string;
  readonly name: string;
  /** In the platform's own words. */
  readonly platformType: string;
  readonly type: SemanticType;
  /** Derived from other fields (formula, rollup, lookup); compared apart from stored data. */
  readonly computed: boolean;
  readonly required: boolean;
  readonly unique: boolean;
  readonly options: readonly string[] | null;
  /** Where a link points; `reciprocal` names the field that holds the other side, `many` whether a record may hold several. */
  readonly link: { readonly collection: string; readonly many: boolean; readonly reciprocal: string | null } | null;
  /** Declared greatest length in characters, where the platform has one. */
  readonly maxLength: number | null;
  /** The platform itself keeps values that do not fit the type (Grist's alternative text): a few of them are people's data, not damage. */
  readonly lenient?: boolean;
  /** What it computes, with the fields it uses by id, so that renaming one of them changes nothing; absent where it is not known. */
  readonly formula?: string | null;
}

export interface Collection {
  readonly id: string;
  readonly name: string;
  readonly fields: readonly Field[];
  /** `platform`: keys the platform made (numbers, uuids, rec…) and safe to print; `natural`: people's data, shown only as digests. */
  readonly keyKind: "platform" | "natural";
  /** Number of records a manifest or the document itself declares, or null where nothing declares it. */
  readonly declaredRecords: number | null;
  /** Holds only derived rows (summary tables); its records are not counted as items. */
  readonly computed: boolean;
  /** Next key the platform would give out, where the artifact says (a sequence); null where it does not. */
  readonly nextKey: string | null;
}

export interface ContentRecord {
  readonly key: string;
  /** Aligned with `collection.fields`. */
  readonly values: readonly Value[];
  /** Milliseconds since the epoch, or null where unknown. */
  readonly createdAt: number | null;
  readonly updatedAt: number | null;
}

export interface AutomationReference {
  readonly kind: "automation" | "credential" | "collection" | "webhook" | "sub-flow" | "node" | "module";
  readonly target: string;
  /** False where the thing referred to is not in the artifact although it belongs there. */
  readonly resolved: boolean;
}

export interface Automation {
  readonly id: string;
  readonly name: string;
  readonly active: boolean;
  readonly trigger: string | null;
  readonly references: readonly AutomationReference[];
  /** SHA-256 hex over the canonical body. */
  readonly bodyDigest: string;
}

export interface Credential {
  readonly id: string;
  readonly type: string;
  readonly state: "decryptable" | "undecryptable" | "not-included" | "key-missing" | "plain";
}

export interface FileItem {
  readonly id: string;
  readonly name: string;
  /** As declared; null where the format does not say. */
  readonly bytes: number | null;
  readonly declaredType: string | null;
  readonly declaredDigest: { readonly algorithm: "sha1" | "sha256" | "md5"; readonly value: string } | null;
  /**
   * `inside`: bytes are in the artifact; `outside`: kept in another store by design; `missing`: should be inside and is not; `unread`: lies
   * in the vault with the artifact, and this drill did not fetch it.
   */
  readonly presence: "inside" | "outside" | "missing" | "unread";
}

export interface AccessEntry {
  readonly kind: "role" | "permission" | "membership" | "share";
  readonly id: string;
  /** Digest of what it grants; never names of people. */
  readonly digest: string;
  /** A reference inside the entry that leads nowhere, in words, or null. */
  readonly broken: string | null;
}

export interface View {
  readonly id: string;
  readonly name: string;
  readonly type: string;
  readonly collection: string | null;
  /** What it points at and cannot find (a field, a collection), in words, or null. */
  readonly broken: string | null;
}

export interface Template {
  readonly id: string;
  readonly name: string;
  /** Collection it makes records of or is filled from, or null. */
  readonly collection: string | null;
  readonly digest: string;
  /** What it points at and cannot find, in words, or null. */
  readonly broken: string | null;
}

export interface Setting {
  readonly id: string;
  readonly digest: string;
}

/** What kind of thing a format can hold at all; what it cannot hold is a skip with this reason and a line of the fidelity report. */
export const ASPECTS = [
  "records",
  "links",
  "views",
  "automations",
  "credentials",
  "files",
  "access",
  "settings",
  "templates",
  "sequences",
  "timestamps",
  "audit",
] as const;
export type Aspect = (typeof ASPECTS)[number];
export type AspectState = { readonly included: true } | { readonly included: false; readonly reason: string };

/** What a format read of its own container before any record. */
export interface Integrity {
  /** Its own structure ends where it should and every part it names is there; `problems` are sentences. */
  readonly complete: boolean;
  readonly problems: readonly string[];
  /** Checksums the artifact itself carries (manifest, zip CRC, page checksums): how many were compared and which differ. */
  readonly checksums: { readonly compared: number; readonly mismatched: readonly string[] } | null;
  /** Places where secrets lie in clear although the format should not hold any, as sentences without the secret; null: it has no place for them. */
  readonly plainSecrets: readonly string[] | null;
}

/** Counts of one artifact, by kind of item. Computed collections and fields are left out. */
export interface Inventory {
  readonly collections: number;
  readonly records: number;
  /** Filled references: one for each target key a stored link field holds. */
  readonly links: number;
  readonly automations: number;
  readonly credentials: number;
  readonly files: number;
  readonly views: number;
  readonly roles: number;
}
