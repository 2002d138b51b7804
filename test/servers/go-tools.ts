/** Servers that are built from their Go modules. */
import { join } from "node:path";
import { installedOnce, run } from "./cache.ts";

const TOOLS = {
  versitygw: { module: "github.com/versity/versitygw/cmd/versitygw", version: "v1.8.0", flags: [] },
  toxiproxy: { module: "github.com/Shopify/toxiproxy/v2/cmd/server", version: "v2.5.0", flags: [] },
  prometheus: { module: "github.com/prometheus/prometheus/cmd/prometheus", version: "v0.316.0", flags: ["-tags", "remove_all_sd"] },
  promtool: { module: "github.com/prometheus/prometheus/cmd/promtool", version: "v0.316.0", flags: ["-tags", "remove_all_sd"] },
  alertmanager: { module: "github.com/prometheus/alertmanager/cmd/alertmanager", version: "v0.28.1", flags: [] },
  amtool: { module: "github.com/prometheus/alertmanager/cmd/amtool", version: "v0.34.2", flags: [] },
} as const;
export type GoTool = keyof typeof TOOLS;
export const GO_TOOLS = Object.keys(TOOLS) as readonly GoTool[];

/** @returns absolute path of the program */
export async function goTool(name: GoTool): Promise<string> {
  const { module, version, flags } = TOOLS[name];
  const place = await installedOnce(`${name}-${version}`, async (directory) => {
    await run("go", ["install", ...flags, `${module}@${version}`], { cwd: directory, env: { GOBIN: directory } });
  });
  return join(place, module.slice(module.lastIndexOf("/") + 1));
}
