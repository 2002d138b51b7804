/** The machine, for commands that log nothing. */
import { systemWorld, type World } from "../../app-world.ts";
import type { Shell } from "../program.ts";

export function quiet(shell: Shell): World {
  return systemWorld({
    env: shell.env,
    hostname: shell.hostname,
    pid: shell.pid,
    nodePath: shell.nodePath,
    log: { level: "silent", write: () => undefined },
  });
}
