import { z } from "zod";

export const dirVaultSchema = z.strictObject({
  path: z
    .string()
    .min(1)
    .describe("Directory where the backups lie, on this machine or mounted; relative to the configuration file. Only ever read."),
});

export type DirVaultConfig = z.infer<typeof dirVaultSchema>;
