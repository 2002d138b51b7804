/** The contract of connectors, on a real Directus with PostgreSQL beneath and a second one to restore into. */
import { platformContract } from "../../contracts/platform.ts";
import { directusOnThisMachine } from "./harness.ts";

platformContract({
  name: "directus",
  create: () => directusOnThisMachine(),
  skips: [],
  unrestorable: ["articles/pin", "articles/editor"],
});
