/** The contract of connectors, against the local Airtable. */
import { platformContract } from "../../contracts/platform.ts";
import { airtableOnThisMachine } from "./harness.ts";

platformContract({
  name: "airtable",
  create: airtableOnThisMachine,
  skips: [
    { case: "scratch-automations-off", reason: "Airtable's API has no automations: none is captured and none is restored" },
    { case: "scratch-silent", reason: "nothing that is restored through Airtable's API can fire: it knows no automations" },
    { case: "scratch-access", reason: "Airtable's API neither invites people nor signs them in: what others see cannot be tried" },
  ],
});
