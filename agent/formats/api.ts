/** The formats there are: one folder each, one line each. */
import type { FormatDefinition } from "../core/definitions.ts";
import { grist } from "./grist/index.ts";

export const formats: readonly FormatDefinition[] = [grist];
