/** The seams of formats: what recognises an artifact, and the content it is read into. Given out by ports.ts. */
import type {
  AccessEntry,
  Aspect,
  AspectState,
  Automation,
  Collection,
  ContentRecord,
  Credential,
  FileItem,
  Integrity,
  Setting,
  Template,
  View,
} from "./content.ts";

/** What a format may look at to recognise an artifact; names are hints only and never decide alone. */
export interface ArtifactProbe {
  readonly path: string;
  readonly kind: "file" | "directory";
  readonly bytes: number;
  /** First 64 KiB of a file; empty for a directory. */
  readonly head: Uint8Array;
  /** For a directory: relative paths of up to 10,000 files, sorted, symlinks left out. */
  readonly entries: readonly string[];
  /** First bytes of a file of a directory. */
  readHead(entry: string, bytes: number): Promise<Uint8Array>;
}

export interface Recognition {
  /** 0: not this format; 1: surely. Below 0.5 is not enough for `auto`. */
  readonly confidence: number;
  readonly formatVersion: string | null;
  /** Why, one phrase. */
  readonly because: string;
}

export interface FormatContext {
  /** The child's own directory: the only place where a format may write. */
  readonly workDir: string;
  /** Secret needed to decrypt credentials or the artifact (Node-RED credentialSecret, n8n encryption key, …), or null. */
  readonly key: string | null;
  readonly limits: { readonly maxBytes: number; readonly maxEntries: number; readonly maxRatio: number; readonly maxDepth: number };
  readonly signal: AbortSignal;
  /** Files of a directory that lie in the vault and were left there, by path within it, with their bytes; only what the format spares. */
  readonly unread?: ReadonlyMap<string, number>;
}

/** How an artifact is laid out. */
export interface Format {
  readonly id: string;
  /** Never throws; a look that fails is confidence 0. */
  recognise(probe: ArtifactProbe): Promise<Recognition>;
  /** Throws AgentError `damaged` when the artifact is broken, `limit` when ours is reached, `auth` when it may not be read. */
  open(probe: ArtifactProbe, context: FormatContext): Promise<Content>;
}

/** One artifact, read. Metadata is whole at once; records and file bytes are streams. */
export interface Content {
  readonly format: string;
  readonly formatVersion: string | null;
  readonly createdAt: number | null;
  readonly integrity: Integrity;
  readonly collections: readonly Collection[];
  readonly automations: readonly Automation[];
  readonly credentials: readonly Credential[];
  readonly files: readonly FileItem[];
  readonly access: readonly AccessEntry[];
  readonly settings: readonly Setting[];
  readonly views: readonly View[];
  readonly aspects: Readonly<Record<Aspect, AspectState>>;
  /** Batches in a stable order; may be called again. Throws `damaged` when the stream breaks. */
  records(collectionId: string, signal: AbortSignal): AsyncIterable<readonly ContentRecord[]>;
  /** Bytes of a file with presence `inside`. */
  fileBytes(fileId: string, signal: AbortSignal): AsyncIterable<Uint8Array>;
  /** Idempotent. */
  close(): Promise<void>;
}

/** Ability of a Content: files the sandbox can read natively instead of record by record. */
export interface BulkContent {
  bulk(collectionId: string): {
    readonly files: readonly string[];
    readonly kind: "ndjson" | "csv";
    readonly columns: readonly { readonly field: string; readonly source: string }[];
    readonly keySource: string;
    /**
     * Given where the reader has seen that every value in the files is canonical already, so that nothing is to be converted: text and
     * null, and JSON lists of text in the columns `lists`. Times are ISO text in UTC; `records` is how many the reader counted,
     * `longestLine` the bytes of the longest of them.
     */
    readonly canonical?: {
      readonly lists: readonly string[];
      readonly createdSource: string | null;
      readonly updatedSource: string | null;
      readonly records: number;
      readonly longestLine?: number;
    };
  } | null;
}

/** Ability of a Content: templates kept beside the records (of mails, documents, records). */
export interface TemplateContent {
  readonly templates: readonly Template[];
}

/** Ability of a Content: the product's own documents, which a restore through its API needs besides the model. */
export interface OriginalsContent {
  /** JSON by name. Throws `damaged` where one cannot be read. */
  originals(signal: AbortSignal): Promise<Readonly<Record<string, unknown>>>;
}
