import { describe } from "vitest";
import { captureCases } from "./capture-cases.ts";
import { COMMON, OF_THE_CLIENT } from "./faults.ts";
import { liveCases } from "./live-cases.ts";
import { AIRTABLE } from "./products.ts";
import { scratchCases } from "./scratch-cases.ts";
import { throughOnce } from "./through.ts";

describe("faults on the way to airtable", () => {
  const through = throughOnce(AIRTABLE);
  captureCases(AIRTABLE, through, [...COMMON, ...OF_THE_CLIENT], 12);
  liveCases(through, COMMON, 12);
  scratchCases(through, COMMON, 12);
});
