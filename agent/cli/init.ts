/** `restorewatch init [PATH]`: writes a commented configuration to start from, and never over one that is there. */
import { AgentError, asAgentError } from "../core/errors.ts";
import type { Output } from "./output.ts";

export interface InitOptions {
  readonly path: string;
  /** Write over a file that is there. */
  readonly force: boolean;
}

export interface InitDeps {
  readonly out: Output;
  /** Text of the starter. */
  readonly starter: string;
  readonly exists: (path: string) => Promise<boolean>;
  /** Fails with EEXIST where the file is there and `overwrite` is false, so that nothing written meanwhile is lost. */
  readonly writeFile: (path: string, text: string, options: { readonly overwrite: boolean }) => Promise<void>;
}

/** @returns 0 when the starter is written, 2 when a file is there already, 3 when it could not be written */
export async function initCommand(options: InitOptions, deps: InitDeps): Promise<number> {
  const { path, force } = options;
  try {
    if (!force && (await deps.exists(path))) throw inTheWay(path);
    await deps.writeFile(path, deps.starter, { overwrite: force });
  } catch (thrown) {
    const error = (thrown as { code?: unknown }).code === "EEXIST" ? inTheWay(path) : asAgentError(thrown);
    return deps.out.failure(error, "text");
  }
  deps.out.line(`Wrote ${path}. Say in it where your backups lie, then run: restorewatch check --config ${path}`);
  return 0;
}

function inTheWay(path: string): AgentError {
  return new AgentError("usage", "file-exists", `${path} is there already and was left as it is.`, {
    mend: "name another path, or write over it with --force",
  });
}
