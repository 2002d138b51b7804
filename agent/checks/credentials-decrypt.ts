import { AgentError } from "../core/errors.ts";
import type { Check } from "../core/ports.ts";
import { describeCount } from "../core/words-for-people.ts";
import { contentOf, fail, pass, skip } from "./outcome.ts";

export const credentialsDecrypt: Check = {
  id: "credentials.decrypt",
  layer: "content",
  question: "Can the stored credentials be decrypted with the key you have?",
  needs: "content",
  aspect: "credentials",
  pitfalls: ["wrong or lost encryption key while the import reports success"],
  limits: "That a login still works at the other end is not tried.",
  async run(view) {
    const { credentials } = contentOf(view);
    const of = (state: string): typeof credentials => credentials.filter((one) => one.state === state);
    const lost = of("undecryptable");
    if (lost.length > 0) {
      const examples = lost.slice(0, 5).map((one) => ({ collection: "credentials", item: one.id }));
      return fail(`${describeCount(lost.length, "credential")} cannot be decrypted with the key given`, {
        expected: "decryptable",
        count: lost.length,
        examples,
      });
    }
    const locked = of("key-missing").length;
    if (locked > 0)
      throw new AgentError(
        "auth",
        "key-missing",
        `${describeCount(locked, "credential")} could not be tried: no key is configured (backups.key / --key)`,
      );
    const good = of("decryptable").length + of("plain").length;
    if (good > 0) return pass(`${describeCount(good, "credential")} readable`, good);
    const left = of("not-included").length;
    return skip(left > 0 ? `${describeCount(left, "credential")} not part of the backup by its nature` : "the backup holds no credentials");
  },
};
