/** SIGKILL at random moments: whatever was acknowledged is there, the chain holds, and state is what a rebuilt one would be. */
import { spawn } from "node:child_process";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { createRecorder } from "../../../agent/engine/recorder.ts";
import { openStateOrRebuild } from "../../../agent/engine/recorder/rebuild.ts";
import { openEvidence } from "../../../agent/evidence/log.ts";
import { verifyEvidence } from "../../../agent/evidence/verify.ts";
import { seededRandom } from "../../../agent/kit/random.ts";
import { setStateAside } from "../../../agent/state/aside.ts";
import { openState } from "../../../agent/state/sqlite.ts";
import { fakeClock } from "../../doubles/clock.ts";
import { dumpState } from "../../doubles/dump.ts";
import { memoryTelemetry } from "../../doubles/telemetry.ts";
import { temporaryDirectory } from "../../doubles/temporary.ts";

const KILLS = 16;
const WRITER = fileURLToPath(new URL("writer.ts", import.meta.url));
const SOURCES = ["crm", "hr"];

test(`killed ${KILLS} times while recording`, { timeout: 60_000 }, async () => {
  const directory = await temporaryDirectory();
  try {
    const random = seededRandom(20_261_123);
    const acknowledged = new Set<string>();
    let busy = 0;
    for (let round = 0; round < KILLS; round += 1) {
      // Every fourth is killed somewhere in its start, while it opens, repairs and replays; the others amid their work.
      const starting = round % 4 === 3;
      const { ids, stderr } = await killedAfter(directory.path, round, {
        fromReady: !starting,
        ms: starting ? 60 + random.next() * 250 : random.next() * 250,
      });
      expect({ round, stderr }).toEqual({ round, stderr: "" });
      if (ids.length > 0) busy += 1;
      for (const id of ids) acknowledged.add(id);
      await expectWhole(directory.path, acknowledged, round);
    }
    // Otherwise nothing was tested; how much more there is depends on how busy the machine is.
    expect(busy).toBeGreaterThanOrEqual(2);
    expect(acknowledged.size).toBeGreaterThan(20);
  } finally {
    await directory.dispose();
  }
});

interface Killed {
  /** Facts the process said were safe. */
  readonly ids: readonly string[];
  readonly stderr: string;
}

async function killedAfter(directory: string, round: number, when: { readonly fromReady: boolean; readonly ms: number }): Promise<Killed> {
  const child = spawn(process.execPath, ["--disable-warning=ExperimentalWarning", WRITER, directory, String(round)], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  let stdout = "";
  let stderr = "";
  let timer: NodeJS.Timeout | null = null;
  const arm = (): void => {
    timer ??= setTimeout(() => child.kill("SIGKILL"), when.ms);
  };
  child.stdout.on("data", (data: Buffer) => {
    stdout += data.toString();
    arm();
  });
  child.stderr.on("data", (data: Buffer) => {
    stderr += data.toString();
  });
  if (!when.fromReady) arm();
  await new Promise((resolve) => child.on("close", resolve));
  // A line that the kill cut short was not said.
  const lines = stdout.slice(0, stdout.lastIndexOf("\n") + 1).split("\n");
  return { ids: lines.filter((line) => line !== "" && line !== "ready"), stderr };
}

async function expectWhole(directory: string, acknowledged: ReadonlySet<string>, round: number): Promise<void> {
  const clock = fakeClock();
  const evidenceDir = join(directory, "evidence");
  const path = join(directory, "state.db");
  const evidence = await openEvidence({ directory: evidenceDir, clock });
  try {
    const report = await verifyEvidence({ directory: evidenceDir, head: evidence.head().hash });
    expect({ round, problems: report.problems, tailProven: report.tailProven }).toEqual({ round, problems: [], tailProven: true });

    const known = new Set<string>();
    for await (const { entry } of evidence.read(0)) {
      if (entry.type === "points.seen") for (const point of entry.points) known.add(point.id);
      if (entry.type === "run.reported") known.add(entry.report.id);
      if (entry.type === "observations") for (const one of entry.observations) known.add(one.ref);
      if (entry.type === "drill.finished") known.add(entry.drill.id);
    }
    const lost = [...acknowledged].filter((id) => !known.has(id));
    expect({ round, lost }).toEqual({ round, lost: [] });

    const deps = { evidence, clock, telemetry: memoryTelemetry(clock), platformOf: () => null };
    const { state, rebuilt } = await openStateOrRebuild({
      ...deps,
      openState: () => openState({ path, clock }),
      setStateAside: () => setStateAside(path, clock.now()),
      verify: async () => [],
    });
    expect({ round, rebuilt }).toEqual({ round, rebuilt: null });
    const anew = await openState({ path: join(directory, `anew-${round}.db`), clock });
    await createRecorder({ ...deps, state: anew }).replay();
    expect({ round, state: await dumpState(state, SOURCES) }).toEqual({ round, state: await dumpState(anew, SOURCES) });
    await anew.close();
    await state.close();
  } finally {
    await evidence.close();
  }
}
