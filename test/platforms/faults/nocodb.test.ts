import { describe } from "vitest";
import { captureCases } from "./capture-cases.ts";
import { COMMON } from "./faults.ts";
import { liveCases } from "./live-cases.ts";
import { NOCODB } from "./products.ts";
import { scratchCases } from "./scratch-cases.ts";
import { throughOnce } from "./through.ts";

describe("faults on the way to nocodb", () => {
  const through = throughOnce(NOCODB);
  captureCases(NOCODB, through, COMMON, 9);
  liveCases(through, COMMON, 6);
  scratchCases(through, COMMON, 12);
});
