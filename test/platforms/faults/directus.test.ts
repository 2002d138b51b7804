import { describe } from "vitest";
import { captureCases } from "./capture-cases.ts";
import { COMMON } from "./faults.ts";
import { liveCases } from "./live-cases.ts";
import { DIRECTUS } from "./products.ts";
import { scratchCases } from "./scratch-cases.ts";
import { throughOnce } from "./through.ts";

describe("faults on the way to directus", () => {
  const through = throughOnce(DIRECTUS);
  captureCases(DIRECTUS, through, COMMON, 6);
  liveCases(through, COMMON, 4);
  scratchCases(through, COMMON, 8);
});
