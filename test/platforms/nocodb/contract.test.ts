/** The contract of connectors, against a real NocoDB. */
import { platformContract } from "../../contracts/platform.ts";
import { nocodbOnThisMachine } from "./harness.ts";

platformContract({
  name: "nocodb",
  create: nocodbOnThisMachine,
  skips: [
    { case: "expired-token", reason: "tokens of NocoDB never expire, and one that was revoked goes on working: traps.test.ts shows it" },
  ],
});
