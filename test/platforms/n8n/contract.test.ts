/** The contract of connectors, against a real n8n on PostgreSQL. */
import { platformContract } from "../../contracts/platform.ts";
import { n8nOnThisMachine } from "./harness.ts";

platformContract({
  name: "n8n",
  create: n8nOnThisMachine,
  skips: [
    { case: "links", reason: "data tables have no column type that links to another table" },
    { case: "attachments", reason: "data tables hold no files, and the API gives out no binary data of executions" },
    { case: "scratch-access", reason: "sharing data tables needs projects and roles, which the community edition's licence lacks" },
  ],
});
