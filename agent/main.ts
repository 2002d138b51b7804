#!/usr/bin/env -S node --disable-warning=ExperimentalWarning --max-semi-space-size=2
/** Arguments, environment, signals, exit code. The only file that touches `process`. */
import { hostname } from "node:os";
import { createOutput } from "./cli/output.ts";
import { runProgram } from "./cli/program.ts";
import { asAgentError } from "./core/errors.ts";

const stop = new AbortController();
const reloads: (() => void)[] = [];
const { stdout, stderr, env } = process;
const colour = env["NO_COLOR"] === undefined || env["NO_COLOR"] === "";
const out = createOutput({
  write: (text) => stdout.write(text),
  writeError: (text) => stderr.write(text),
  isTty: stdout.isTTY === true,
  errorIsTty: stderr.isTTY === true,
  colour: colour && stdout.isTTY === true,
  columns: stdout.columns ?? 120,
});

for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.on(signal, () => {
    // A second signal means: now.
    if (stop.signal.aborted) process.exit(130);
    stop.abort(signal);
  });
}
process.on("SIGHUP", () => {
  for (const reload of reloads) reload();
});
// A pipe that nobody reads any more is no reason for a stack trace.
for (const stream of [stdout, stderr]) {
  stream.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code === "EPIPE") process.exit(0);
  });
}

try {
  process.exitCode = await runProgram(process.argv.slice(2), {
    env,
    cwd: process.cwd(),
    out,
    pid: process.pid,
    nodePath: process.execPath,
    hostname: hostname(),
    stdout: (text) => void stdout.write(text),
    stderr: (text) => void stderr.write(text),
    stop: stop.signal,
    onReload: (reload) => void reloads.push(reload),
  });
} catch (thrown) {
  process.exitCode = out.failure(asAgentError(thrown), "text");
}
