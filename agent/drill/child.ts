/** The drill child's own composition root: here, and nowhere else in the child, ports meet implementations. */
import { checks } from "../checks/api.ts";
import { formats } from "../formats/api.ts";
import { systemClock } from "../kit/clock.ts";
import { sandboxes } from "../sandboxes/api.ts";
import { runDrillProcess } from "./process.ts";

await runDrillProcess({ formats, sandboxes, checks }, systemClock());
