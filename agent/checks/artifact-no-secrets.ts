import type { Check } from "../core/ports.ts";
import { fail, listed, pass, skip } from "./outcome.ts";

export const artifactNoSecrets: Check = {
  id: "artifact.no-secrets",
  layer: "artifact",
  question: "Are secrets in the backup encrypted rather than in clear?",
  needs: "content",
  aspect: null,
  pitfalls: ["the key lies in clear next to the data it protects"],
  limits: "Looks where the format keeps secrets, not into free text.",
  async run({ content }) {
    const found = content?.integrity.plainSecrets ?? null;
    if (found === null) return skip("this format has no place of its own for secrets");
    if (found.length > 0) return fail(listed(found, 2), { expected: "no secret in clear", count: found.length });
    return pass("no secret in clear where the format keeps secrets");
  },
};
