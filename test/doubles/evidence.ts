/** An evidence log in memory, chained like the real one, and one that fails where a test wants it to. */
import { AgentError } from "../../agent/core/errors.ts";
import type { EvidenceEntry, EvidenceHead } from "../../agent/core/evidence.ts";
import type { Clock, EvidenceLog } from "../../agent/core/ports.ts";
import { canonicalJson, NO_HASH, renderLine } from "../../agent/evidence/line.ts";

export interface MemoryEvidence extends EvidenceLog {
  readonly entries: readonly EvidenceEntry[];
  /** Loses the newest entries, as a file put back from an old backup does. */
  forget(count: number): void;
}

export function memoryEvidence(clock: Pick<Clock, "now">): MemoryEvidence {
  const lines: { readonly seq: number; readonly hash: string; readonly body: string }[] = [];
  let closed = false;
  const head = (): EvidenceHead => ({ seq: lines.length, hash: lines.at(-1)?.hash ?? NO_HASH });
  return {
    get entries() {
      return lines.map(({ body }) => JSON.parse(body) as EvidenceEntry);
    },
    forget: (count) => void lines.splice(Math.max(0, lines.length - count), count),
    async append(entries) {
      if (closed) throw new AgentError("internal", "evidence-closed", "The evidence log is closed.");
      for (const body of entries.map(canonicalJson)) {
        const { seq, hash } = head();
        lines.push({ seq: seq + 1, hash: renderLine(seq + 1, hash, clock.now(), body).hash, body });
      }
      return head();
    },
    head,
    async *read(after) {
      for (const { seq, hash, body } of lines.slice(after)) yield { seq, hash, entry: JSON.parse(body) as EvidenceEntry };
    },
    async close() {
      closed = true;
    },
  };
}

export interface EvidenceFault {
  readonly method: "append" | "read" | "close";
  /** Which call of the method fails, from 1. */
  readonly call: number;
  readonly error: Error;
}

/** @returns a log that does what `real` does, except for its faults; `assertAllFaultsUsed` throws when one never came up */
export function faultyEvidence(real: EvidenceLog, faults: readonly EvidenceFault[]): EvidenceLog & { assertAllFaultsUsed(): void } {
  const calls = new Map<string, number>();
  const unused = new Set(faults);
  const strike = (method: EvidenceFault["method"]): void => {
    const call = (calls.get(method) ?? 0) + 1;
    calls.set(method, call);
    const fault = faults.find((one) => one.method === method && one.call === call);
    if (fault === undefined) return;
    unused.delete(fault);
    throw fault.error;
  };
  return {
    async append(entries) {
      strike("append");
      return real.append(entries);
    },
    head: () => real.head(),
    async *read(after) {
      strike("read");
      yield* real.read(after);
    },
    async close() {
      await real.close();
      strike("close");
    },
    assertAllFaultsUsed() {
      const left = [...unused].map((fault) => `${fault.method} call ${fault.call}`);
      if (left.length > 0) throw new Error(`Faults that never came up: ${left.join(", ")}`);
    },
  };
}
