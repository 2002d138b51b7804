import { defineConfig } from "vitest/config";

const shared = { setupFiles: ["test/setup.ts"], testTimeout: 30_000, hookTimeout: 30_000, pool: "forks" as const };

export default defineConfig({
  test: {
    maxWorkers: 2,
    projects: [
      { test: { ...shared, name: "main", include: ["test/{unit,meta,integration}/**/*.test.ts"] } },
      // Against real servers, which test/servers installs once a machine. Each file starts a whole product: two at once, as everywhere.
      {
        test: {
          ...shared,
          name: "platforms",
          include: ["test/platforms/**/*.test.ts"],
          testTimeout: 120_000,
          hookTimeout: 900_000,
        },
      },
      // The agent among the servers that observe it: collector, Prometheus, Alertmanager, as real processes.
      {
        test: {
          ...shared,
          name: "stack",
          include: ["test/stack/**/*.test.ts"],
          testTimeout: 300_000,
          hookTimeout: 600_000,
        },
      },
      // Needs Chromium: not part of `npm test`, which runs on a machine that has only Node and npm.
      { test: { ...shared, name: "browser", include: ["test/browser/**/*.test.ts"], fileParallelism: false } },
    ],
  },
});
