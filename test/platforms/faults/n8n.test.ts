import { describe } from "vitest";
import { captureCases } from "./capture-cases.ts";
import { COMMON } from "./faults.ts";
import { liveCases } from "./live-cases.ts";
import { N8N } from "./products.ts";
import { scratchCases } from "./scratch-cases.ts";
import { throughOnce } from "./through.ts";

describe("faults on the way to n8n", () => {
  const through = throughOnce(N8N);
  captureCases(N8N, through, COMMON, 12);
  liveCases(through, COMMON, 6);
  scratchCases(through, COMMON, 12);
});
