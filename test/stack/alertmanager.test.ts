/** The shipped Alertmanager configuration: routes by amtool, and real alerts through a real Alertmanager, read where they arrive. */
import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { ALL_ALERTS } from "../../rules/generate.ts";
import { type Inbox, openInbox } from "../doubles/inbox.ts";
import { until } from "../integration/agent/running.ts";
import { ROOT } from "../meta/sources.ts";
import { type PostedAlert, type RunningAlertmanager, startAlertmanager } from "../servers/alertmanager.ts";
import { goTool } from "../servers/go-tools.ts";
import { alertmanagerConfig } from "./configs.ts";

const CONFIG = join(ROOT, "rules/alertmanager.yaml");
const amtool = async (...args: readonly string[]): Promise<string> =>
  (await promisify(execFile)(await goTool("amtool"), [...args, `--config.file=${CONFIG}`])).stdout.trim();

test("amtool takes it", async () => {
  const { stdout } = await promisify(execFile)(await goTool("amtool"), ["check-config", CONFIG]);
  expect(stdout).toContain("SUCCESS");
});

test.each(ALL_ALERTS.map(({ alert, severity, ofSource }) => ({ alert, severity, ofSource })))(
  "$alert, $severity, finds its way",
  async ({ alert, severity, ofSource }) => {
    const labels = [`alertname=${alert}`, `severity=${severity}`, "instance=a", ...(ofSource ? ["source=crm", "owner=sales"] : [])];
    const wanted = { critical: "pages", warning: "tickets", info: alert === "RestorewatchWatchdog" ? "dead-man" : "nobody" }[severity];
    expect(await amtool("config", "routes", "test", ...labels)).toBe(wanted);
  },
);

describe("in a real Alertmanager", () => {
  let home = "";
  let inbox: Inbox;
  let alertmanager: RunningAlertmanager;
  let round = 0;
  let source = "";

  beforeAll(async () => {
    home = await mkdtemp(join(tmpdir(), "rw-alertmanager-"));
    inbox = await openInbox();
    alertmanager = await startAlertmanager({ home, config: await alertmanagerConfig(home, inbox) });
  });
  afterAll(async () => {
    await alertmanager?.stop();
    await inbox?.close();
    await rm(home, { recursive: true, force: true });
  });
  beforeEach(() => {
    round += 1;
    source = `crm-${round}`;
  });

  /** As Prometheus would send it. */
  function alertOf(name: string, more: Readonly<Record<string, string>> = {}, ended = false): PostedAlert {
    const found = ALL_ALERTS.find(({ alert }) => alert === name);
    if (found === undefined) throw new Error(`no alert ${name}`);
    const labels: Record<string, string> = {
      alertname: name,
      severity: found.severity,
      instance: `agent-${round}`,
      ...(found.ofSource ? { source, owner: "sales", tier: "critical", layer: "content" } : {}),
      ...more,
    };
    const filled = (text: string): string =>
      text.replaceAll(/\{\{ \$labels\.(\w+) \}\}/gu, (_, label: string) => labels[label] ?? "?").replaceAll(/\{\{ \$value[^}]*\}\}/gu, "3");
    return {
      labels,
      annotations: {
        summary: filled(found.summary),
        description: filled(found.description),
        runbook_url: `https://example.org/${name}.md`,
        dashboard_url: `http://127.0.0.1:3000/d/restorewatch-source?var-source=${source}`,
      },
      startsAt: "2026-03-01T02:30:00Z",
      ...(ended ? { endsAt: "2026-03-01T04:00:00Z" } : {}),
    };
  }

  interface SlackMessage {
    readonly channel: string;
    readonly attachments: readonly { readonly title: string; readonly title_link: string; readonly text: string; readonly color: string }[];
  }
  const messages = (path: string): readonly SlackMessage[] =>
    inbox.posted.filter((one) => one.path === path).map(({ body }) => body as SlackMessage);
  const about = (path: string, text: string) =>
    messages(path)
      .flatMap(({ channel, attachments }) => attachments.map((one) => ({ channel, ...one })))
      .filter((one) => `${one.title}${one.text}`.includes(text));
  const state = async (name: string): Promise<string | undefined> =>
    (await alertmanager.alerts()).find(
      ({ labels }) => labels["alertname"] === name && labels["probe"] === undefined && labels["instance"] === `agent-${round}`,
    )?.status.state;

  test("a page says what is broken, whose it is, since when and what to do first, in ten lines", async () => {
    await alertmanager.post([alertOf("RestoreVerificationFailed")]);
    const [page] = await until(
      () => Promise.resolve(about("/pages", source)),
      (found) => found.length > 0,
    );
    expect(page).toMatchObject({
      channel: "#sales",
      title: `PAGE: A backup of ${source} does not restore (content)`,
      title_link: `http://127.0.0.1:3000/d/restorewatch-source?var-source=${source}`,
      color: "danger",
    });
    const lines = (page?.text ?? "").split("\n");
    expect(lines.length).toBeLessThanOrEqual(10);
    expect(lines).toEqual([
      `A check of the layer content fails for the newest drill of ${source}. Its page names the check, what was seen and what was expected, and links the trace.`,
      "Owner sales, tier critical.",
      "Since 2026-03-01 02:30 UTC.",
      `First: restorewatch report ${source}`,
      "What to do: https://example.org/RestoreVerificationFailed.md",
      `Look: http://127.0.0.1:3000/d/restorewatch-source?var-source=${source}`,
    ]);
    const mail = await until(
      () => Promise.resolve(inbox.mails.find((one) => one.includes(source)) ?? ""),
      (found) => found !== "",
    );
    expect(mail).toContain(`Subject: PAGE: A backup of ${source} does not restore (content)`);
    expect(mail.replaceAll("=\n", "")).toContain(`First: restorewatch report ${source}`);
    await writeFile(join(tmpdir(), "restorewatch-page.txt"), `${page?.title ?? ""}\n${page?.text ?? ""}\n\n--- mail ---\n${mail}\n`);
  });

  test("and that it is over", async () => {
    await alertmanager.post([alertOf("BackupRpoBreached")]);
    await until(
      () => Promise.resolve(about("/pages", source)),
      (found) => found.length > 0,
    );
    await alertmanager.post([alertOf("BackupRpoBreached", {}, true)]);
    const over = await until(
      () => Promise.resolve(about("/pages", source).filter(({ title }) => title.startsWith("Over: "))),
      (found) => found.length > 0,
    );
    expect(over[0]).toMatchObject({ title: `Over: The newest backup of ${source} is older than its objective`, color: "good" });
    expect(over[0]?.text).toContain("Since 2026-03-01 02:30 UTC, over since 2026-03-01 04:00 UTC.");
  });

  test("what is wrong with one source comes together, with another apart", async () => {
    await alertmanager.post([
      alertOf("BackupFailing"),
      alertOf("RestoreCoverageBehind"),
      alertOf("BackupFailing", { source: `${source}-other`, owner: "hr" }),
    ]);
    const found = await until(
      () => Promise.resolve(about("/tickets", source)),
      (all) => all.length >= 2,
    );
    const [mine, other] = [found.find(({ channel }) => channel === "#sales"), found.find(({ channel }) => channel === "#hr")];
    expect(mine?.title).toContain("(and 1 more)");
    expect(mine?.text).toContain("have not been verified within the promised time");
    expect(other?.title).not.toContain("more");
    expect(`${mine?.text}${other?.text}`).not.toMatch(/\{\{|no value/u);
  });

  test("the dead man's switch hears it, and nobody else", async () => {
    await alertmanager.post([alertOf("RestorewatchWatchdog"), alertOf("RestorewatchRateLimited")]);
    await until(
      () => Promise.resolve(inbox.posted.filter(({ path }) => path === "/dead-man")),
      (found) => found.length > 0,
    );
    expect(about("/pages", "Alerting works")).toEqual([]);
    expect(about("/tickets", "Alerting works")).toEqual([]);
  });

  test.each([
    ["BackupRpoBreached", "BackupLate", {}, { source: "another" }],
    ["BackupRpoBreached", "BackupRpoBurnRateHigh", {}, { source: "another" }],
    ["RestoreVerificationFailed", "RestoreVerificationStale", {}, { layer: "live" }],
    ["RestorewatchDown", "BackupRpoBreached", {}, { instance: "another" }],
    ["RestorewatchDown", "RestoreDrillOverdue", {}, { instance: "another" }],
    ["BackupNeverSucceeded", "RestoreVerificationStale", {}, { source: "another" }],
    ["RestorewatchCollectorRefusing", "RestorewatchCollectorQueueFilling", {}, { instance: "another" }],
  ] as const)("%s silences %s of the same, and no other", async (louder, softer, same, other) => {
    await alertmanager.post([alertOf(louder), alertOf(softer, same), alertOf(softer, { ...other, probe: "other" })]);
    await until(
      () => state(softer),
      (seen) => seen === "suppressed",
    );
    const all = await alertmanager.alerts();
    const counter = all.find(({ labels }) => labels["alertname"] === softer && labels["probe"] === "other");
    expect(counter?.status.state).not.toBe("suppressed");
    expect(await state(louder)).not.toBe("suppressed");
  });

  test("an agent that is down is told itself", async () => {
    await alertmanager.post([alertOf("RestorewatchDown"), alertOf("RestorewatchTelemetryDropped")]);
    const found = await until(
      () => Promise.resolve(about("/pages", `agent-${round} has not been heard of`)),
      (all) => all.length > 0,
    );
    expect(found[0]?.title).toBe("PAGE: Restorewatch does not run");
    expect(await state("RestorewatchTelemetryDropped")).not.toBe("suppressed");
  });
});
