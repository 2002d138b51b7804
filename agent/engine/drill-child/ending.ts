/** Why a child ended without having told everything: a stable code and one sentence. Pure. */
export interface ChildTrouble {
  readonly code: string;
  readonly message: string;
}

export interface ChildEnd {
  readonly exitCode: number | null;
  readonly signal: string | null;
  /** Whether it said hello. */
  readonly spoke: boolean;
  /** Its last words on stderr; they are looked at, and never passed on: they may quote data. */
  readonly lastWords: string;
}

const NO_MEMORY = /out of memory|bad_alloc|allocation failed|ERR_MEMORY_ALLOCATION_FAILED|cannot allocate memory/i;
const NO_DISK = /EFBIG|ENOSPC|EDQUOT|file too large|no space left/i;
const SIGNALS_BY_NUMBER: Readonly<Record<number, string>> = {
  4: "SIGILL",
  5: "SIGTRAP",
  6: "SIGABRT",
  7: "SIGBUS",
  8: "SIGFPE",
  9: "SIGKILL",
  11: "SIGSEGV",
  25: "SIGXFSZ",
};

export function troubleOfEnd(end: ChildEnd): ChildTrouble {
  const signal = end.signal ?? signalOf(end.exitCode);
  if (signal === "SIGXFSZ" || (end.exitCode !== 0 && NO_DISK.test(end.lastWords))) {
    return { code: "child-out-of-disk", message: "The drill's process wrote more than it may; raise verify.limits.diskMb." };
  }
  // Nobody here sent that SIGKILL: it is how the system takes memory back.
  if (signal === "SIGKILL" || (end.exitCode !== 0 && NO_MEMORY.test(end.lastWords))) {
    return { code: "child-out-of-memory", message: "The drill's process ran out of memory; raise verify.limits.memoryMb." };
  }
  if (signal !== null) return { code: "child-crashed", message: `The drill's process crashed (${signal}).` };
  if (!end.spoke && end.exitCode !== 0) {
    return { code: "child-not-started", message: `The drill's process could not be started (exit code ${end.exitCode}).` };
  }
  return { code: "child-ended-early", message: `The drill's process ended before it was done (exit code ${end.exitCode}).` };
}

/** How a wrapper or a shell passes on a death by signal. */
function signalOf(exitCode: number | null): string | null {
  return exitCode === null || exitCode <= 128 ? null : (SIGNALS_BY_NUMBER[exitCode - 128] ?? null);
}
