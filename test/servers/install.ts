/** `node test/servers/install.ts [name…]` installs what the longer suites need, all of it without a name. */
import { installAirtableClient } from "./airtable-client.ts";
import { installCollector } from "./collector.ts";
import { GO_TOOLS, goTool } from "./go-tools.ts";
import { installProduct, PRODUCTS } from "./products.ts";

const wanted = process.argv.slice(2);
const all: readonly { readonly name: string; readonly install: () => Promise<string> }[] = [
  ...PRODUCTS.map((name) => ({ name, install: () => installProduct(name) })),
  { name: "airtable-client", install: installAirtableClient },
  { name: "collector", install: installCollector },
  ...GO_TOOLS.map((name) => ({ name, install: () => goTool(name) })),
];
const unknown = wanted.filter((name) => !all.some((one) => one.name === name));
if (unknown.length > 0) throw new Error(`no such server: ${unknown.join(", ")}; there are ${all.map((one) => one.name).join(", ")}`);
for (const { name, install } of all.filter((one) => wanted.length === 0 || wanted.includes(one.name))) {
  const from = performance.now();
  const place = await install();
  console.log(`${name}: ${place} (${Math.round((performance.now() - from) / 1000)} s)`);
}
