import { AgentError } from "../core/errors.ts";
import type { Check } from "../core/ports.ts";
import { fail, pass, skip } from "./outcome.ts";

export const artifactDecrypts: Check = {
  id: "artifact.decrypts",
  layer: "artifact",
  question: "If the backup is encrypted as a whole, does it open with the key you have?",
  needs: "artifact",
  aspect: null,
  pitfalls: ["wrong or lost encryption key while the import reports success"],
  limits:
    "Encrypted credentials inside a backup are credentials.decrypt's affair; of a zip with a password it can only tell that it has one.",
  async run({ encryption }) {
    if (encryption === null) return skip("it is not encrypted as a whole");
    const kind = encryption.kind === "age" ? "with age" : "as a zip with a password";
    switch (encryption.state) {
      case "opened":
        return pass(`encrypted ${kind}, and opened with the key given`, 1);
      case "wrong-key":
        return fail(`encrypted ${kind}, and the key given does not open it`, { expected: "opens with the key given" });
      case "damaged":
        return skip(`encrypted ${kind}, and its header is broken: artifact.readable says so`);
      case "no-key":
        throw new AgentError("auth", "key-missing", `It is encrypted ${kind}, and no key is configured (backups.key / --key).`);
      case "unsupported":
        throw new AgentError(
          "unsupported",
          "encryption-unsupported",
          `It is encrypted ${kind}, which cannot be opened here; decrypt it first.`,
        );
    }
  },
};
