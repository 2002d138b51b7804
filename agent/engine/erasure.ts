/** The list of erased subjects as a drill is told it: digests only. */
import { type ErasureExpectation, erasureTrouble, parseErasures } from "../core/erasure.ts";
import { asAgentError } from "../core/errors.ts";
import type { SourcePolicy } from "../core/policy.ts";

/** Never throws: a list that cannot be had is told, and leaves the check in doubt. */
export async function readErasure(
  policy: Pick<SourcePolicy, "data">,
  readText: (path: string) => Promise<string>,
): Promise<{ readonly erasure?: ErasureExpectation }> {
  const { erasure } = policy.data;
  if (erasure === undefined) return {};
  const { fields } = erasure;
  try {
    const key = erasure.key === null ? "" : await erasure.key.reveal();
    const { subjects, problems } = parseErasures(await readText(erasure.list), key);
    return { erasure: { trouble: erasureTrouble(problems), fields, key, subjects } };
  } catch (thrown) {
    const trouble = `the list of erased subjects could not be read: ${asAgentError(thrown).message}`;
    return { erasure: { trouble, fields, key: "", subjects: [] } };
  }
}
