/** The commands and their flags. Each command's work is in its own file; what it needs is brought by app.ts, loaded only when it runs. */
import { Command, CommanderError, Option } from "commander";
import { AgentError } from "../core/errors.ts";
import type { BacktestFlags } from "./commands/backtest.ts";
import type { BaselineFlags } from "./commands/decisions.ts";
import type { PlanFlags } from "./commands/plan.ts";
import type * as Commands from "./commands.ts";
import { amount, bytes, collect, count, duration, portion, positive, sizeMb } from "./flags.ts";
import type { Output } from "./output.ts";

/** What main.ts knows of the machine. */
export interface Shell {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  readonly out: Output;
  readonly pid: number;
  readonly nodePath: string;
  readonly hostname: string;
  readonly stdout: (text: string) => void;
  readonly stderr: (text: string) => void;
  /** Aborts at SIGINT and SIGTERM; `reload` is called at SIGHUP. */
  readonly stop: AbortSignal;
  readonly onReload: (reload: () => void) => void;
}

type Run = (commands: typeof Commands, shell: Shell) => Promise<number>;

/** @returns the exit code */
export async function runProgram(argv: readonly string[], shell: Shell): Promise<number> {
  let chosen: Run | null = null;
  const program = new Command("restorewatch");
  const output = (): Option => new Option("--output <how>", "text for people, json for programs").choices(["text", "json"]).default("text");
  const config = (): Option =>
    new Option("-c, --config <file>", "configuration; absent: ./restorewatch.yaml, else that of a quickstart begun here");
  const log = (): Option =>
    new Option("--log <how>", "auto: people's words on a terminal and on the quickstart, else JSON lines")
      .choices(["auto", "json", "off"])
      .default("auto");
  program
    .description("Knows whether your no-code backups restore: drills them, proves it, tells.")
    .showHelpAfterError("(restorewatch --help lists the commands)")
    .exitOverride()
    .configureOutput({ writeOut: shell.stdout, writeErr: shell.stderr })
    .enablePositionalOptions();

  program
    .command("start")
    .description("runs the agent; without a configuration, on the quickstart")
    .addOption(config())
    .option("--listen <host:port>", "address of the page instead of the configured one")
    .addOption(log())
    .action((options: { config?: string; listen?: string; log: "auto" | "json" | "off" }) => {
      chosen = (app) =>
        app.startAgent({ config: options.config ?? null, listen: options.listen ?? null, log: options.log, quickstart: true }, shell);
    });
  program
    .command("run")
    .description("runs the agent on a configuration")
    .addOption(config())
    .option("--listen <host:port>", "address of the page instead of the configured one")
    .addOption(log())
    .action((options: { config?: string; listen?: string; log: "auto" | "json" | "off" }) => {
      chosen = (app) =>
        app.startAgent({ config: options.config ?? null, listen: options.listen ?? null, log: options.log, quickstart: false }, shell);
    });
  program
    .command("poll")
    .argument("[source]", "source id; absent: every source")
    .description("looks at the vaults once and says what is there")
    .addOption(config())
    .addOption(output())
    .action((source: string | undefined, options: { config?: string; output: "text" | "json" }) => {
      chosen = (app) => app.pollOnce(source ?? null, { config: options.config ?? null, output: options.output }, shell);
    });
  program
    .command("drill")
    .argument("<source>", "source id")
    .description("drills the newest backup of a source now")
    .addOption(config())
    .addOption(output())
    .action((source: string, options: { config?: string; output: "text" | "json" }) => {
      chosen = (app) => app.drillOnce(source, { config: options.config ?? null, output: options.output }, shell);
    });
  program
    .command("record")
    .argument("<source>", "source id")
    .description("reports a backup run: what a backup job calls when it is done")
    .requiredOption("--outcome <outcome>", "success, failure, partial or unknown")
    .option("--started <time>", "ISO 8601 or epoch seconds")
    .option("--finished <time>", "ISO 8601 or epoch seconds; absent: now")
    .option("--bytes <n>", "bytes written")
    .option("--records <n>", "records written")
    .option("--artifact <path>", "path of the artifact within the vault")
    .option("--sha256 <hex>", "digest of the artifact")
    .option("--message <text>", "one line for people; no secret, no personal data")
    .addOption(config())
    .addOption(output())
    .action((source: string, options: Record<string, string | undefined> & { output: "text" | "json" }) => {
      chosen = (app) => app.recordRun(source, options, shell);
    });
  program
    .command("report")
    .argument("[source]", "source id; absent: every source")
    .description("what was tested, when, with what result")
    .addOption(config())
    .addOption(output())
    .action((source: string | undefined, options: { config?: string; output: "text" | "json" }) => {
      chosen = (app) => app.reportSources(source ?? null, { config: options.config ?? null, output: options.output }, shell);
    });
  program
    .command("plan")
    .argument("[source]", "source id; absent: every source")
    .description("what verifying within a promise costs, and what the configured budget can promise")
    .addOption(
      new Option(
        "--within <duration>",
        "every item is to be verified at least this often; absent: verify.coverWithin of each source",
      ).argParser(duration),
    )
    .option("--rate <share>", "a drill is to show that fewer items are bad than this, such as 1%", portion)
    .option("--confidence <share>", "how sure of it", portion, 0.95)
    .addOption(new Option("--layer <layer>", "absent: those the source verifies").choices(["scratch", "live"]))
    .option("--items <n>", "what if a drill may read so many items", amount)
    .option("--bytes <size>", "what if it may read so many bytes", bytes)
    .option("--calls <n>", "what if it may make so many API calls", amount)
    .option("--time <duration>", "what if it may take so long", duration)
    .option("--drills <n>", "what if there were so many drills a day", positive)
    .option("--population <n>", "what if there were so many items", amount)
    .option("--growth <n>", "what if there were so many more every day", amount)
    .option("--edited <n>", "what if so many were edited every day", amount)
    .option("--calls-per-item <n>", "API calls an item", positive)
    .option("--price-per-call <n>", "in any currency", amount)
    .option("--price-per-gb <n>", "in the same", amount)
    .addOption(config())
    .addOption(output())
    .addHelpText(
      "after",
      "\nExit codes: 0 every promise is kept, 1 one is not, 2 usage or configuration, 3 no drill has told yet how many items there are.",
    )
    .action((source: string | undefined, options: PlanFlags) => {
      chosen = (app) => app.plan(source ?? null, options, shell);
    });
  program
    .command("diff")
    .argument("<source>", "source id")
    .description("where the last comparison found a backup and production apart, field by field; prints people's data")
    .option("--forget", "removes the values that are kept of it instead", false)
    .addOption(config())
    .addOption(output())
    .addHelpText(
      "after",
      "\nExit codes: 0 nothing is wrong in the backup (or the values are removed), 1 something is, 2 usage or configuration, 3 no differences are kept.",
    )
    .action((source: string, options: { config?: string; forget: boolean; output: "text" | "json" }) => {
      chosen = (app) => app.diff(source, options, shell);
    });
  program
    .command("baseline")
    .argument("[source]", "source id; absent: every source")
    .description("what a source's backups are compared with, and what waits to be approved or rejected")
    .option("--approve", "approves the baseline that waits", false)
    .option("--reject", "rejects it", false)
    .option("--reason <text>", "why, in one line; no personal data: it is kept for ever")
    .addOption(config())
    .addOption(output())
    .addHelpText("after", "\nExit codes: 0 nothing waits (or the answer is left), 1 something waits, 2 usage or configuration.")
    .action((source: string | undefined, options: BaselineFlags) => {
      if (options.approve && options.reject) program.error("error: a baseline is either approved or rejected");
      if (source === undefined && (options.approve || options.reject)) program.error("error: name the source whose baseline is meant");
      chosen = (app) => app.baselines(source ?? null, options, shell);
    });
  program
    .command("expected")
    .argument("<source>", "source id")
    .argument("[alarm]", "id of the alarm, or its beginning; absent: lists those that are active")
    .description("marks an alarm as expected: it ends, and what it saw becomes normal")
    .option("--reason <text>", "why, in one line; no personal data: it is kept for ever")
    .addOption(config())
    .addOption(output())
    .action((source: string, alarm: string | undefined, options: { config?: string; reason?: string; output: "text" | "json" }) => {
      chosen = (app) => app.expectAlarm(source, alarm ?? null, options, shell);
    });
  const actors = program.command("actors").description("who decided: names behind the opaque ids in the evidence");
  actors
    .command("list")
    .description("ids, names and how much each decided")
    .addOption(config())
    .addOption(output())
    .action((options: { config?: string; output: "text" | "json" }) => {
      chosen = (app) => app.listActors(options, shell);
    });
  actors
    .command("erase")
    .argument("<id>", "as the list shows it")
    .description("erases the name; what was decided stays, by nobody that can be told")
    .addOption(config())
    .addOption(output())
    .action((id: string, options: { config?: string; output: "text" | "json" }) => {
      chosen = (app) => app.eraseActor(id, options, shell);
    });
  program
    .command("verify")
    .argument("<path>", "backup: a file or a directory")
    .description("verifies one backup; needs no configuration and keeps nothing")
    .option("--format <format>", "auto, or the name of a format", "auto")
    .option("--baseline <path>", "an earlier or approved backup: whatever differs from it is listed")
    .option("--sample <sample>", "all, a number of records, or a rate such as 0.1 or 10%", "all")
    .option("--critical <record>", "a record that must be there, COLLECTION/KEY; may be given again", collect, [])
    .option("--key <file>", "file with the secret that opens what is encrypted inside")
    .option("--seed <text>", "makes a random sample repeatable")
    .option("--show-keys", "prints keys of records as they are, also where they may be personal", false)
    .option("--all", "lists every check, not only those that need a look", false)
    .option("--memory <size>", "database memory", sizeMb, 256)
    .option("--disk <size>", "disk for spilling", sizeMb, 4096)
    .option("--threads <n>", "threads", count, 2)
    .option("--timeout <duration>", "ends an inconclusive try after this", duration, 600_000)
    .addOption(output())
    .action((path: string, options: VerifyFlags) => {
      chosen = (app) => app.verifyPath(path, options, shell);
    });
  program
    .command("backtest")
    .argument("<file>", "CSV with the columns timestamp,value; - reads standard input")
    .description("how the anomaly detector would have judged a series, run by run; needs no configuration")
    .option("--schedule <schedule>", "daily, weekly, hourly, auto, or a duration such as 5m", "auto")
    .option("--signal <signal>", "bytes, records, duration or gap", "bytes")
    .option("--budget <n>", "false alarms a year", positive, 2)
    .option("--changepoints", "says at which rows something new begins", false)
    .addOption(new Option("--output <format>", "text, json or ndjson").choices(["text", "json", "ndjson"]).default("text"))
    .addHelpText("after", "\nExit codes: 0 it looked, whatever it found; 2 usage, or a file that is no series.")
    .action((file: string, options: BacktestFlags) => {
      chosen = (app) => app.backtestFile(file, options, shell);
    });
  program
    .command("init")
    .argument("[path]", "where to write it", "restorewatch.yaml")
    .description("writes a commented configuration to begin with")
    .option("--force", "overwrites what is there", false)
    .action((path: string, options: { force: boolean }) => {
      chosen = (app) => app.initConfig(path, options.force, shell);
    });
  program
    .command("check")
    .description("checks the configuration, reaches every vault, says what isolation a drill gets")
    .addOption(config())
    .addOption(output())
    .action((options: { config?: string; output: "text" | "json" }) => {
      chosen = (app) => app.checkConfig({ config: options.config ?? null, output: options.output }, shell);
    });
  program
    .command("discover")
    .description("what there is to protect, which backup covers it, and what is missing")
    .option("--all", "lists every source and every finding", false)
    .addOption(config())
    .addOption(output())
    .addHelpText(
      "after",
      "\nExit codes: 0 nothing is missing, 1 something is, 2 usage or configuration, 3 a vault could not be looked at, whatever else was found.",
    )
    .action((options: { config?: string; all: boolean; output: "text" | "json" }) => {
      chosen = (app) => app.discover({ config: options.config ?? null, all: options.all, output: options.output }, shell);
    });
  program
    .command("capture")
    .argument("<source>", "source id")
    .description("makes a backup of a source's live product now, into its folder of its vault")
    .option("--prune", "removes captures older than capture.keep instead", false)
    .option("--dry-run", "only says which captures would be removed", false)
    .addOption(config())
    .addOption(output())
    .addHelpText(
      "after",
      "\nExit codes: 0 done, 2 usage or configuration, 3 the product or the vault could not be reached, or the product gave less than it has.",
    )
    .action((source: string, options: { config?: string; prune: boolean; dryRun: boolean; output: "text" | "json" }) => {
      chosen = (app) => app.captureOnce(source, { ...options, config: options.config ?? null }, shell);
    });
  const evidence = program.command("evidence").description("the log of what was tested and found");
  evidence
    .command("verify")
    .description("proves that no entry was changed, removed or reordered")
    .option("--head <hash>", "head noted earlier: without it the end of the log is unproven")
    .addOption(config())
    .addOption(output())
    .action((options: { config?: string; head?: string; output: "text" | "json" }) => {
      chosen = (app) => app.evidenceVerify(options, shell);
    });
  evidence
    .command("show")
    .description("prints entries")
    .option("--since <time>", "ISO 8601")
    .option("--source <id>", "only of this source")
    .option("--type <type>", "only of this type")
    .option("--last <count>", "only the newest so many")
    .addOption(config())
    .addOption(output())
    .action((options: { config?: string; since?: string; source?: string; type?: string; last?: string; output: "text" | "json" }) => {
      chosen = (app) => app.evidenceShow(options, shell);
    });
  const state = program.command("state").description("what the agent remembers");
  state
    .command("info")
    .addOption(config())
    .addOption(output())
    .description("how much is there and how far it follows the evidence")
    .action((options: { config?: string; output: "text" | "json" }) => {
      chosen = (app) => app.stateInfo(options, shell);
    });
  state
    .command("rebuild")
    .addOption(config())
    .addOption(output())
    .description("makes the state anew from the evidence")
    .action((options: { config?: string; output: "text" | "json" }) => {
      chosen = (app) => app.stateRebuild(options, shell);
    });

  try {
    await program.parseAsync([...argv], { from: "user" });
  } catch (thrown) {
    // Commander has said what is wrong; asking for help is no error.
    if (thrown instanceof CommanderError) return thrown.exitCode === 0 ? 0 : 2;
    throw thrown;
  }
  if (chosen === null) return shell.out.failure(new AgentError("usage", "no-command", "No command was given."), "text");
  const run: Run = chosen;
  return run(await import("./commands.ts"), shell);
}

export interface VerifyFlags {
  readonly format: string;
  readonly baseline?: string;
  readonly sample: string;
  readonly critical: readonly string[];
  readonly key?: string;
  readonly seed?: string;
  readonly showKeys: boolean;
  readonly all: boolean;
  readonly memory: number;
  readonly disk: number;
  readonly threads: number;
  readonly timeout: number;
  readonly output: "text" | "json";
}
