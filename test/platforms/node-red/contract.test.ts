/** The contract of connectors, against a real Node-RED. */
import { platformContract } from "../../contracts/platform.ts";
import { nodeRedOnThisMachine } from "./harness.ts";

platformContract({
  name: "node-red",
  create: nodeRedOnThisMachine,
  skips: [
    { case: "attachments", reason: "Node-RED keeps no files of people: what flows read and write lies outside of it" },
    {
      case: "schema-changed",
      reason: "the five collections and their fields are the connector's own: there is no schema that people change",
    },
    { case: "incremental", reason: "Node-RED keeps no time with a node, so every capture is full" },
    { case: "scratch-access", reason: "who may log in is code in settings.js, which is neither captured nor restored" },
    { case: "scratch-next-insert", reason: "ids are random, nothing counts them: there is no sequence to probe" },
  ],
});
