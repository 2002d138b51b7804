/** Every command, as main.ts and program.ts call them. */
export { configPath } from "./commands/world.ts";
export { verifyPath } from "./commands/verify.ts";
export { initConfig, checkConfig, discover, captureOnce } from "./commands/setting-up.ts";
export { recordRun, reportSources, pollOnce, drillOnce } from "./commands/engine.ts";
export { evidenceVerify, evidenceShow, stateInfo, stateRebuild } from "./commands/log.ts";
export { startAgent } from "./start.ts";
