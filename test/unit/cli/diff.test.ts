/** `restorewatch diff`: what it prints, and how it ends. */
import { expect, test } from "vitest";
import { diffCommand } from "../../../agent/cli/diff.ts";
import type { Differences, DifferentItem } from "../../../agent/core/differences.ts";
import { capturedOutput } from "../config/captured-output.ts";

const NOW = Date.UTC(2026, 10, 23);
const item: DifferentItem = {
  collection: "People",
  key: "17",
  result: "mismatch",
  because: "edited before the backup began",
  backupUpdatedAt: null,
  productionUpdatedAt: NOW,
  productionCreatedAt: null,
  fields: [{ field: "Name", backup: "\u001B[31manna", production: null }],
  more: 1,
};

function differences(items: readonly DifferentItem[]): Differences {
  return { version: 1, sourceId: "crm", drillId: "d", pointId: "p", startedAt: NOW, comparedAt: NOW, expiresAt: NOW, items, more: 0 };
}

async function run(found: Differences | null, options: { output?: "text" | "json"; forget?: boolean } = {}) {
  const captured = capturedOutput();
  let forgotten = 0;
  const code = await diffCommand(
    "crm",
    { output: "text", forget: false, ...options },
    {
      out: captured.out,
      read: () => Promise.resolve(found),
      forget: () => {
        forgotten += 1;
        return Promise.resolve();
      },
    },
  );
  return { code, said: captured.stdout(), forgotten };
}

test("field by field, with no way for a value to steer the terminal", async () => {
  const { code, said } = await run(differences([item]));
  expect(code).toBe(1);
  expect(said).toContain("✗ mismatch  People 17: edited before the backup began, in production updated 2026-11-23 00:00 UTC\n");
  expect(said).toContain("    Name\n      backup      \u{FFFD}[31manna\n      production  (empty)\n    and 1 more field\n");
  expect(said).not.toContain("\u001B[31m");
});

test("what only people changed is nothing the backup answers for", async () => {
  const { code, said } = await run(differences([{ ...item, result: "changed", because: "edited since" }]));
  expect(code).toBe(0);
  expect(said).toContain("· changed  People 17: edited since");
});

test("nothing kept is said, and is not fine", async () => {
  expect(await run(null)).toMatchObject({ code: 3, said: expect.stringContaining("no differences are kept") as string });
});

test("as JSON; and forgotten when asked", async () => {
  const { said } = await run(differences([item]), { output: "json" });
  expect(JSON.parse(said)).toMatchObject({ schema: "restorewatch.differences/v1", differences: { items: [{ key: "17" }] } });
  expect(await run(differences([item]), { forget: true })).toMatchObject({
    code: 0,
    forgotten: 1,
    said: "crm: no values are kept any more.\n",
  });
});
