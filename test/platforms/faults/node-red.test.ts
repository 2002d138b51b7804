import { describe } from "vitest";
import { captureCases } from "./capture-cases.ts";
import { COMMON, OF_THE_CLIENT } from "./faults.ts";
import { lineCases } from "./line-cases.ts";
import { liveCases } from "./live-cases.ts";
import { NODE_RED } from "./products.ts";
import { scratchCases } from "./scratch-cases.ts";
import { throughOnce } from "./through.ts";

describe("faults on the way to node-red", () => {
  const through = throughOnce(NODE_RED);
  captureCases(NODE_RED, through, [...COMMON, ...OF_THE_CLIENT], 12);
  lineCases(NODE_RED, through);
  liveCases(through, COMMON, 6);
  scratchCases(through, COMMON, 30);
});
