/** Every command, as program.ts calls them; each is loaded when it is called, so that none waits for what the others need. */
import type * as Verify from "./commands/verify.ts";
import type * as SettingUp from "./commands/setting-up.ts";
import type * as Backtest from "./commands/backtest.ts";
import type * as Decisions from "./commands/decisions.ts";
import type * as Diff from "./commands/diff.ts";
import type * as Engine from "./commands/engine.ts";
import type * as Log from "./commands/log.ts";
import type * as Plan from "./commands/plan.ts";
import type * as Start from "./start.ts";

export const verifyPath: typeof Verify.verifyPath = async (...given) => (await import("./commands/verify.ts")).verifyPath(...given);
export const initConfig: typeof SettingUp.initConfig = async (...given) => (await import("./commands/setting-up.ts")).initConfig(...given);
export const checkConfig: typeof SettingUp.checkConfig = async (...given) =>
  (await import("./commands/setting-up.ts")).checkConfig(...given);
export const discover: typeof SettingUp.discover = async (...given) => (await import("./commands/setting-up.ts")).discover(...given);
export const captureOnce: typeof SettingUp.captureOnce = async (...given) =>
  (await import("./commands/setting-up.ts")).captureOnce(...given);
export const backtestFile: typeof Backtest.backtestFile = async (...given) =>
  (await import("./commands/backtest.ts")).backtestFile(...given);
export const baselines: typeof Decisions.baselines = async (...given) => (await import("./commands/decisions.ts")).baselines(...given);
export const expectAlarm: typeof Decisions.expectAlarm = async (...given) =>
  (await import("./commands/decisions.ts")).expectAlarm(...given);
export const listActors: typeof Decisions.listActors = async (...given) => (await import("./commands/decisions.ts")).listActors(...given);
export const eraseActor: typeof Decisions.eraseActor = async (...given) => (await import("./commands/decisions.ts")).eraseActor(...given);
export const recordRun: typeof Engine.recordRun = async (...given) => (await import("./commands/engine.ts")).recordRun(...given);
export const reportSources: typeof Engine.reportSources = async (...given) =>
  (await import("./commands/engine.ts")).reportSources(...given);
export const diff: typeof Diff.diff = async (...given) => (await import("./commands/diff.ts")).diff(...given);
export const plan: typeof Plan.plan = async (...given) => (await import("./commands/plan.ts")).plan(...given);
export const pollOnce: typeof Engine.pollOnce = async (...given) => (await import("./commands/engine.ts")).pollOnce(...given);
export const drillOnce: typeof Engine.drillOnce = async (...given) => (await import("./commands/engine.ts")).drillOnce(...given);
export const evidenceVerify: typeof Log.evidenceVerify = async (...given) => (await import("./commands/log.ts")).evidenceVerify(...given);
export const evidenceShow: typeof Log.evidenceShow = async (...given) => (await import("./commands/log.ts")).evidenceShow(...given);
export const stateInfo: typeof Log.stateInfo = async (...given) => (await import("./commands/log.ts")).stateInfo(...given);
export const stateRebuild: typeof Log.stateRebuild = async (...given) => (await import("./commands/log.ts")).stateRebuild(...given);
export const startAgent: typeof Start.startAgent = async (...given) => (await import("./start.ts")).startAgent(...given);
