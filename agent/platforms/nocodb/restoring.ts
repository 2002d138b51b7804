/** What every part of a restore shares: which id became which, what was refused, and the backup's own documents. */
import { AgentError } from "../../core/errors.ts";
import type { LoadOutcome, RestoreSet } from "../../core/platform-ports.ts";
import { isRefusal } from "./client.ts";
import { type Documents, documentsSchema } from "./documents.ts";

/** Ids of the backup to those of the workspace. */
export interface Mapping {
  readonly tables: Map<string, string>;
  readonly columns: Map<string, string>;
}

/** What could not be put in, counted by its reason. */
export class Refusals {
  readonly #counts = new Map<string, { aspect: string; reason: string; count: number }>();
  readonly #fields = new Set<string>();

  add(aspect: string, reason: string): void {
    const known = this.#counts.get(`${aspect} ${reason}`) ?? { aspect, reason, count: 0 };
    known.count += 1;
    this.#counts.set(`${aspect} ${reason}`, known);
  }

  /** Does the work; where the product refuses it, that is noted and null given back. */
  async attempt<T>(aspect: string, reason: string, work: () => Promise<T>): Promise<T | null> {
    try {
      return await work();
    } catch (thrown) {
      if (!isRefusal(thrown)) throw thrown;
      this.add(aspect, reason);
      return null;
    }
  }

  /** A field some values of which nobody can write there: it is not compared. */
  field(collection: string, field: string, reason: string): void {
    this.#fields.add(`${collection}/${field}`);
    this.add("access", reason);
  }

  told(): Pick<LoadOutcome, "refused" | "unrestorable"> {
    return { refused: [...this.#counts.values()], unrestorable: [...this.#fields] };
  }
}

/** @throws AgentError `unsupported` where the backup is not one of this connector */
export function documentsOf(set: Pick<RestoreSet, "originals">): Documents {
  const parsed = documentsSchema.safeParse(set.originals["nocodb"]);
  if (parsed.success) return parsed.data;
  throw new AgentError("unsupported", "no-originals", "nocodb: The backup does not hold NocoDB's own documents, which a restore needs.", {
    mend: "restore from a capture that this agent made",
  });
}
