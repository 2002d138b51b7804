import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { nodeRedFormat } from "../../../../agent/formats/node-red/index.ts";
import { formatContract } from "../../../contracts/format.ts";
import { copied } from "../../../contracts/format-artifacts.ts";
import { flows, SECRET, writeUserDir } from "../../../fixtures/node-red/user-dir.ts";

const DATA = fileURLToPath(new URL("../../../../../shared/data/node-red/", import.meta.url));

const many = [
  { id: "tab", type: "tab", label: "Many" },
  ...Array.from({ length: 1200 }, (_, n) => ({
    id: `n${n}`,
    type: "comment",
    z: "tab",
    name: `note ${n}`,
    info: "",
    x: n,
    y: 1,
    wires: [],
  })),
];

formatContract({
  name: "node-red",
  create: () => nodeRedFormat.create(),
  clean: [
    copied(join(DATA, "03---Link-call.json")),
    copied(join(DATA, "02---Trigger-a-flow-at-regular-intervals.json")),
    {
      name: "whole flows file of the admin API",
      formatVersion: "v2",
      write: async (directory) => {
        const path = join(directory, "flows.json");
        await writeFile(path, JSON.stringify({ flows: many, rev: "0123456789abcdef0123456789abcdef" }));
        return path;
      },
    },
    {
      name: "user directory",
      key: SECRET,
      formatVersion: "5.0.7",
      vital: "flows.json",
      write: (directory) => writeUserDir(join(directory, "data")),
    },
    {
      name: "user directory, its credentials",
      key: SECRET,
      vital: "package.json",
      write: (directory) => writeUserDir(join(directory, "data"), { flows: flows() }),
    },
  ],
  skips: [],
});
