import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** @returns a new directory that `dispose` removes with all it holds */
export async function temporaryDirectory(): Promise<{ readonly path: string; readonly dispose: () => Promise<void> }> {
  const path = await mkdtemp(join(tmpdir(), "restorewatch-test-"));
  return { path, dispose: () => rm(path, { recursive: true, force: true }) };
}
