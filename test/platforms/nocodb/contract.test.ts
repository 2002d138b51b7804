/** The contract of connectors, against a real NocoDB. */
import { platformContract } from "../../contracts/platform.ts";
import { nocodbOnThisMachine } from "./harness.ts";

platformContract({ name: "nocodb", create: nocodbOnThisMachine, skips: [] });
