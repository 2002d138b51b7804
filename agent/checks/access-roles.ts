import type { Check } from "../core/ports.ts";
import { accessOutcome } from "./access.ts";

export const accessRoles: Check = {
  id: "access.roles",
  layer: "content",
  question: "Are roles, memberships and shares there, and does each find what it is about?",
  needs: "content",
  aspect: "access",
  pitfalls: ["permissions duplicated or lost on restore", "role or permission lost"],
  limits: "Whether people can really do what they should takes a restore into the platform.",
  run: (view, expectation) => accessOutcome(["role", "membership", "share"], view, expectation),
};
