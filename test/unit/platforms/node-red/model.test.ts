/** The connector reads an instance, the offline format a file: they must say the same of the same flows. */
import { describe, expect, it } from "vitest";
import type { ContentRecord } from "../../../../agent/core/content.ts";
import { flowSetOf as setOfFile } from "../../../../agent/formats/node-red/flow-set.ts";
import { automationsOf } from "../../../../agent/products/node-red/automations.ts";
import { flowSetOfInstance } from "../../../../agent/products/node-red/flow-set.ts";
import { COLLECTIONS, recordsAsGiven, recordsByKey } from "../../../../agent/products/node-red/records.ts";
import { fingerprint, scopeOf } from "../../../../agent/platforms/node-red/platform.ts";
import { tagOf } from "../../../../agent/platforms/node-red/scratch.ts";
import { asItWas, disabled, isRunning, nodesOf } from "../../../../agent/platforms/node-red/switching.ts";
import { production } from "../../../platforms/node-red/flows.ts";

const never = new AbortController().signal;
const around = { credentials: null, modules: null, providers: null };
const strange = [
  { id: "g1", type: "group", z: "tab1", name: "G", nodes: ["in1", "g2"], x: 1, y: 1, w: 5, h: 5 },
  { id: "g2", type: "group", z: "tab1", g: "g1", name: "", nodes: [], x: 1, y: 1 },
  { id: "ca1", type: "catch", z: "tab1", scope: ["in1"], x: 1, y: 1, wires: [["gone"]] },
  { id: "lc1", type: "link call", z: "lost-tab", links: ["li1", "gone"], x: 1, y: 1, wires: [] },
  { id: "ui1", type: "ui_text", z: "tab1", group: "0123456789abcdef", x: 1, y: 1, wires: [] },
];
const documents: Readonly<Record<string, readonly unknown[]>> = {
  "what the tests deploy": production("http://127.0.0.1:1/"),
  "groups, scopes and references that lead nowhere": [...production("http://127.0.0.1:1/"), ...strange],
  nothing: [],
};

describe.each(Object.entries(documents))("%s", (_, flows) => {
  it("has the records the offline format finds", async () => {
    const ours = flowSetOfInstance(flows);
    const theirs = setOfFile(flows, "the flows", true);
    for (const { id } of COLLECTIONS) {
      const offline: ContentRecord[] = [];
      for await (const page of recordsAsGiven(theirs, id, never)) offline.push(...page);
      expect(recordsByKey(ours, id)).toEqual(offline.sort((a, b) => (a.key < b.key ? -1 : 1)));
    }
  });

  it("has the automations the offline format finds", () => {
    expect(automationsOf(flowSetOfInstance(flows), around)).toEqual(automationsOf(setOfFile(flows, "the flows", true), around));
  });

  it("is switched off as a whole, and told as it was", () => {
    const nodes = nodesOf(flows);
    const off = nodes.map(disabled(nodes));
    expect(off.filter((node) => isRunning(node, off))).toEqual([]);
    const originals = new Map(nodes.map((node) => [node.id, node]));
    expect(off.map((node) => asItWas(node, originals.get(node.id), off))).toEqual(nodes);
  });
});

it("a switch that somebody turned on again is not told as it was", () => {
  const nodes = nodesOf(production("http://127.0.0.1:1/"));
  const off = nodes.map(disabled(nodes)).map((node) => (node.id === "tab3" ? { ...node, disabled: false } : node));
  const back = asItWas(
    off.find((node) => node.id === "tab3") ?? {},
    nodes.find((node) => node.id === "tab3"),
    off,
  );
  expect(back["disabled"]).toBe(false);
  expect(off.filter((node) => isRunning(node, off)).map((node) => node.id)).toEqual(["tab3"]);
});

it("an instance is told by the ids of its nodes, whatever their order and content", () => {
  const one = flowSetOfInstance([
    { id: "b", type: "tab" },
    { id: "a", type: "tab", label: "x" },
  ]);
  expect(fingerprint(one)).toBe(
    fingerprint(
      flowSetOfInstance([
        { id: "a", type: "tab" },
        { id: "b", type: "tab" },
      ]),
    ),
  );
  expect(fingerprint(one)).not.toBe(fingerprint(flowSetOfInstance([{ id: "a", type: "tab" }])));
  expect(fingerprint(flowSetOfInstance([]))).toBe(null);
  expect(scopeOf("HTTP://Localhost:80/admin//")).toBe("http://localhost/admin");
});

it("only a tab that carries our mark in both places is ours", () => {
  const mark = { id: "restorewatch-mark", type: "tab", label: "restorewatch-x-1", info: "Made by restorewatch: restorewatch-x-1" };
  expect(tagOf([{ id: "a", type: "tab" }, mark])).toBe("restorewatch-x-1");
  expect(tagOf([{ ...mark, info: "mine" }])).toBe(null);
  expect(tagOf([{ ...mark, id: "other" }])).toBe(null);
  expect(tagOf([])).toBe(null);
});
