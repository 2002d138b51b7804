/**
 * A sandbox that fails where a test wants it to. There is no memory double: checks speak SQL, so only a database can stand in for one;
 * tests use the real DuckDB, which opens in about 20 ms.
 */
import type { Sandbox } from "../../agent/core/ports.ts";

type Method = keyof Sandbox;

export interface SandboxFault {
  readonly method: Method;
  /** Which call of the method fails, from 1. */
  readonly call: number;
  readonly error: Error;
}

export interface FaultySandbox extends Sandbox {
  /** Throws when a planned fault never came up: a test that does not reach its fault proves nothing. */
  assertAllFaultsUsed(): void;
}

/** @param real does the work of every call that is not to fail; a failing `dispose` still disposes of it first */
export function faultySandbox(real: Sandbox, faults: readonly SandboxFault[]): FaultySandbox {
  const calls = new Map<Method, number>();
  const unused = new Set(faults);
  const attempt = async <T>(method: Method, work: () => Promise<T>): Promise<T> => {
    const call = (calls.get(method) ?? 0) + 1;
    calls.set(method, call);
    const fault = faults.find((one) => one.method === method && one.call === call);
    if (fault === undefined) return work();
    unused.delete(fault);
    if (method === "dispose") await work();
    throw fault.error;
  };
  return {
    provision: (directory, limits) => attempt("provision", () => real.provision(directory, limits)),
    load: (content, sample, signal) => attempt("load", () => real.load(content, sample, signal)),
    query: (sql, parameters, options) => attempt("query", () => real.query(sql, parameters, options)),
    dispose: () => attempt("dispose", () => real.dispose()),
    assertAllFaultsUsed() {
      const left = [...unused].map((fault) => `${fault.method} call ${fault.call}`);
      if (left.length > 0) throw new Error(`Faults that never came up: ${left.join(", ")}`);
    },
  };
}
