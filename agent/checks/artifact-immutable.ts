import { AgentError } from "../core/errors.ts";
import type { Check } from "../core/ports.ts";
import { describeDuration, describeTime } from "../core/words-for-people.ts";
import { fail, pass, skip } from "./outcome.ts";

export const artifactImmutable: Check = {
  id: "artifact.immutable",
  layer: "artifact",
  question: "Is the backup protected from being changed or removed for as long as was asked?",
  needs: "artifact",
  aspect: null,
  pitfalls: ["backups deleted together with what they protect"],
  limits: "Asks the vault, and does not try to change anything.",
  async run(_, { point, objectives, lockUnknown }) {
    const { immutableMs } = objectives;
    if (point === null || immutableMs === null) return skip("no protection was asked for (backups.immutable)");
    const wanted = point.createdAt + immutableMs;
    const expected = `until ${describeTime(wanted)}`;
    if (point.immutableUntil === null && lockUnknown === true)
      throw new AgentError("auth", "lock-not-told", "whether the vault protects it may not be asked; grant s3:GetObjectRetention");
    if (point.immutableUntil === null) return fail("the vault protects it from nothing", { expected });
    if (point.immutableUntil < wanted)
      return fail(`protected until ${describeTime(point.immutableUntil)}, ${describeDuration(wanted - point.immutableUntil)} too short`, {
        expected,
      });
    return pass(`protected until ${describeTime(point.immutableUntil)}`, 1);
  },
};
