import type { Browser, BrowserContext, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { type Served, serve } from "../../agent/http/serve.ts";
import { drillOf, fiveWorld, NOW, result, type World, world } from "../unit/http/world.ts";
import { DRILL, sampledWorld } from "../unit/http/sampled-world.ts";
import { launch, watch, type Watched } from "./browser.ts";
import { faintTexts, focused, isOpen, markAsTheSame, overflow, selectHeadline, selectNothing } from "./in-page.js";

let browser: Browser;
let five: Served;
let empty: Served;
let sampled: Served;
const contexts: BrowserContext[] = [];

beforeAll(async () => {
  browser = await launch();
  five = await serve((await fiveWorld()).app, { host: "127.0.0.1", port: 0 });
  sampled = await serve((await sampledWorld()).app, { host: "127.0.0.1", port: 0 });
  empty = await serve(world().app, { host: "127.0.0.1", port: 0 });
});
afterEach(async () => {
  await Promise.all(contexts.splice(0).map((context) => context.close()));
});
afterAll(async () => {
  await browser.close();
  await Promise.all([five.close(), empty.close(), sampled.close()]);
});

async function newPage(options: Parameters<Browser["newContext"]>[0] = {}, served = five): Promise<Watched> {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options });
  contexts.push(context);
  return watch(await context.newPage(), served.url);
}

const PAGES = [
  "/",
  "/?q=zebra",
  "/sources/broken",
  "/sources/collapsed",
  "/drills/drill-broken-45",
  "/catalogue",
  "/catalogue?finding=no-owner",
  "/checks",
  "/checks/links.resolve",
];
const SAMPLED = ["/coverage", "/sources/hasty", `/drills/${DRILL}`, `/drills/${DRILL}/differences`];
const LOOKS = (["light", "dark"] as const).flatMap((colorScheme) => [1280, 390].map((width) => ({ colorScheme, width })));

describe.each(LOOKS)("in $colorScheme at $width px", ({ colorScheme, width }) => {
  test.each([...PAGES, ...SAMPLED, "empty"])(
    "%s is readable, fits, has a sound outline, and loads nothing from elsewhere",
    async (path) => {
      const served = path === "empty" ? empty : SAMPLED.includes(path) ? sampled : five;
      const { page, complaints, strangers } = await newPage({ colorScheme, viewport: { width, height: 900 } }, served);
      await page.goto(served.url + (path === "empty" ? "/" : path));
      for (const summary of await page.locator("summary").all()) await summary.click();
      expect(await page.evaluate(overflow)).toBeLessThanOrEqual(0);
      expect(await page.evaluate(faintTexts)).toEqual([]);
      expect(await page.locator("h1").count()).toBe(1);
      const levels = await page.locator("h1, h2, h3").evaluateAll((headings) => headings.map((heading) => Number(heading.tagName[1])));
      expect(levels.every((level, index) => index === 0 || level - (levels[index - 1] ?? 0) <= 1)).toBe(true);
      expect(await page.locator("th:not([scope])").count()).toBe(0);
      expect(complaints).toEqual([]);
      expect(strangers).toEqual([]);
    },
  );
});

test("a page that is not there leads back to the fleet", async () => {
  const { page, complaints } = await newPage();
  const response = await page.goto(`${five.url}/nowhere`);
  expect(response?.status()).toBe(404);
  expect(await page.evaluate(faintTexts)).toEqual([]);
  await page.getByRole("link", { name: "Go to the fleet" }).click();
  await page.getByRole("heading", { level: 1, name: "Of 5 sources" }).waitFor();
  expect(complaints).toEqual([expect.stringContaining("404")]);
});

describe("with the keyboard alone", () => {
  test("the skip link comes first and leads to the content", async () => {
    const { page } = await newPage();
    await page.goto(five.url);
    await page.keyboard.press("Tab");
    expect(await page.evaluate(focused)).toMatchObject({ name: "Skip to the content", onScreen: true });
    await page.keyboard.press("Enter");
    expect(await page.evaluate(focused)).toMatchObject({ id: "main" });
  });

  test("every stop shows where it is, and a source and its drill can be opened", async () => {
    const { page } = await newPage();
    await page.goto(five.url);
    const seen: string[] = [];
    for (let step = 0; step < 40; step += 1) {
      await page.keyboard.press("Tab");
      const stop = await page.evaluate(focused);
      if (stop === null) break;
      expect(stop).toMatchObject({ outlined: true });
      seen.push(stop.name);
    }
    expect(seen).toEqual(expect.arrayContaining(["Fleet", "Checks", "Apply", "broken", "healthy", "What do the columns mean?"]));
    await page.getByRole("link", { name: "broken", exact: true }).focus();
    await page.keyboard.press("Enter");
    await page.getByRole("heading", { level: 1, name: "broken" }).waitFor();
    await page.getByRole("link", { name: "drill", exact: true }).focus();
    await page.keyboard.press("Enter");
    await page.getByRole("heading", { level: 1, name: "Drill of broken" }).waitFor();
  });

  test("from the checks to one that fails, to what it asks, and on to the source", async () => {
    const { page } = await newPage();
    await page.goto(`${five.url}/checks`);
    await page.getByRole("region", { name: "Checks of layer content" }).focus();
    await page.keyboard.press("Tab");
    expect(await page.evaluate(focused)).toMatchObject({ name: "links.resolve", outlined: true });
    await page.keyboard.press("Enter");
    await page.getByRole("heading", { level: 1, name: "Does every reference lead to a record that is there?" }).waitFor();
    await page.getByRole("link", { name: "broken", exact: true }).focus();
    expect(await page.evaluate(focused)).toMatchObject({ name: "broken", outlined: true });
    await page.keyboard.press("Enter");
    await page.getByRole("heading", { level: 1, name: "broken" }).waitFor();
    await page.getByRole("region", { name: "What to do next" }).waitFor();
  });

  test("the filter narrows the table", async () => {
    const { page } = await newPage();
    await page.goto(five.url);
    await page.getByLabel("Filter").focus();
    await page.keyboard.type("finance");
    await page.keyboard.press("Enter");
    await page.waitForURL(/q=finance/u);
    expect(await page.getByRole("rowheader").count()).toBe(1);
    expect(await page.getByLabel("Filter").inputValue()).toBe("finance");
  });
});

describe("without JavaScript", () => {
  test("everything is there: reasons, pictures, figures, what is folded away, the filter", async () => {
    const { page, complaints } = await newPage({ javaScriptEnabled: false });
    await page.goto(`${five.url}/sources/collapsed`);
    expect(await page.locator("svg.chart").count()).toBe(3);
    expect(await page.getByRole("img", { name: /^Size of each backup: 45 values/u }).isVisible()).toBe(true);
    await page.locator("#figures-bytes summary").click();
    expect(await page.locator("#figures-bytes tbody tr").count()).toBe(45);
    await page.locator("#checks-pass summary").click();
    expect(await page.getByRole("link", { name: "records.count" }).isVisible()).toBe(true);
    expect(await page.locator("[data-refresh]").isVisible()).toBe(false);
    await page.goto(`${five.url}/`);
    await page.getByLabel("Filter").fill("late");
    await page.getByRole("button", { name: "Apply" }).click();
    expect(await page.getByRole("rowheader").count()).toBe(1);
    expect(complaints).toEqual([]);
  });

  test("the catalogue can be narrowed to an owner, and to what is missing", async () => {
    const { page, complaints } = await newPage({ javaScriptEnabled: false });
    await page.goto(`${five.url}/`);
    await page.getByRole("link", { name: "Catalogue" }).click();
    await page.getByLabel("Owner").selectOption("billing");
    await page.getByRole("button", { name: "Apply" }).click();
    expect(await page.getByRole("rowheader").allInnerTexts()).toEqual([expect.stringContaining("broken")]);
    expect(await page.getByLabel("Owner").inputValue()).toBe("billing");
    await page.getByRole("link", { name: "Show all 5" }).click();
    await page.getByRole("link", { name: "Nobody is named as owner" }).click();
    expect(await page.getByRole("rowheader").allInnerTexts()).toEqual([expect.stringContaining("locked")]);
    expect(complaints).toEqual([]);
  });
});

async function living(
  path: string,
): Promise<{ target: World; served: Served; page: Page; complaints: string[]; readonly pass: () => Promise<void> }> {
  const target = await fiveWorld();
  const served = await serve(target.app, { host: "127.0.0.1", port: 0 });
  const { page, complaints } = await newPage({}, served);
  await page.clock.install({ time: NOW });
  await page.goto(served.url + path);
  return {
    target,
    served,
    page,
    complaints,
    pass: async () => {
      await target.clock.advance(10_000);
      const answered = page.waitForResponse(served.url + path, { timeout: 1000 }).catch(() => null);
      await page.clock.runFor(10_100);
      await (await answered)?.finished();
    },
  };
}

async function breakHealthy({ state }: World): Promise<void> {
  const [point] = await state.repositories.points.list("healthy");
  if (point === undefined) throw new Error("no point");
  await state.repositories.drills.put(
    drillOf({ ...point, firstSeenAt: NOW - 30_000 }, [result("artifact.complete", "fail", "The SQLite file ends early")], {
      id: "again",
    }),
  );
}

describe("with JavaScript", () => {
  test("the history becomes plots whose legend says the newest value, in either scheme", async () => {
    const { page, complaints } = await newPage({ colorScheme: "light" });
    await page.goto(`${five.url}/sources/collapsed`);
    await page.locator(".plotted canvas").nth(2).waitFor();
    expect(await page.locator("svg.chart").count()).toBe(0);
    expect(await page.locator(".u-legend").first().textContent()).toMatch(/2026-02-20 02:0\d.*10\d\.?\d? kB/u);
    expect(await page.getByRole("img", { name: /^Size of each backup: 45 values/u }).count()).toBe(1);
    await page.locator(".plotted").first().scrollIntoViewIfNeeded();
    const over = await page.locator(".plotted .u-over").first().boundingBox();
    if (over === null) throw new Error("the plot is not shown");
    await page.mouse.move(over.x + 5, over.y + 20);
    await expect.poll(() => page.locator(".u-legend").first().textContent()).toMatch(/2026-01-0\d/u);
    await page.emulateMedia({ colorScheme: "dark" });
    await page.setViewportSize({ width: 700, height: 800 });
    expect(await page.locator(".plotted canvas").count()).toBe(3);
    expect(complaints).toEqual([]);
  });

  test("the trace id and the digest of a drill can be copied", async () => {
    const { page, complaints } = await newPage({ permissions: ["clipboard-read", "clipboard-write"] });
    await page.goto(`${five.url}/drills/drill-broken-45`);
    const button = page.getByRole("button", { name: "Copy the trace id" });
    await button.focus();
    await page.keyboard.press("Enter");
    await page.getByText("Copied").waitFor();
    expect(await page.evaluate("navigator.clipboard.readText()")).toBe("0af7651916cd43dd8448eb211c80319c");
    expect(await page.getByRole("button", { name: "Copy the SHA-256" }).isVisible()).toBe(true);
    expect(complaints).toEqual([]);
  });

  test("the fleet turns by itself when a verdict does, and keeps what is folded out and focused", async () => {
    const { target, served, page, complaints, pass } = await living("/");
    await page.getByText("What do the columns mean?").click();
    await page.getByRole("link", { name: "healthy", exact: true }).focus();
    await breakHealthy(target);
    expect(await page.getByText("The SQLite file ends early").count()).toBe(0);
    await pass();
    await page.getByText("The SQLite file ends early: artifact.complete failed").waitFor();
    expect(await page.getByRole("heading", { level: 1 }).textContent()).toContain("4 would not restore");
    expect(await page.locator("details.what").evaluate(isOpen)).toBe(true);
    expect(await page.evaluate(focused)).toMatchObject({ inMain: true });
    expect(complaints).toEqual([]);
    await served.close();
  });

  test("a source turns by itself, and its plots stay", async () => {
    const { target, served, page, complaints, pass } = await living("/sources/healthy");
    await page.locator(".plotted canvas").nth(2).waitFor();
    await page.locator("#figures-bytes summary").click();
    await page.locator(".plotted canvas").first().evaluate(markAsTheSame);
    await breakHealthy(target);
    await pass();
    await page.getByText("The SQLite file ends early: artifact.complete failed").first().waitFor();
    expect(await page.locator(".plotted canvas").count()).toBe(3);
    expect(await page.locator(".plotted canvas.the-same").count()).toBe(1);
    expect(await page.locator("#figures-bytes").evaluate(isOpen)).toBe(true);
    expect(complaints).toEqual([]);
    await served.close();
  });

  test("nothing moves while text is selected or a filter is typed, and it goes on afterwards", async () => {
    const { target, served, page, pass } = await living("/");
    await page.evaluate(selectHeadline);
    await breakHealthy(target);
    await pass();
    expect(await page.getByRole("heading", { level: 1 }).textContent()).toContain("3 would not restore");
    await page.evaluate(selectNothing);
    await page.getByLabel("Filter").fill("half a wo");
    await pass();
    expect(await page.getByLabel("Filter").inputValue()).toBe("half a wo");
    await page.getByLabel("Filter").blur();
    await pass();
    await expect.poll(() => page.getByRole("heading", { level: 1 }).textContent()).toContain("4 would not restore");
    await served.close();
  });

  test("when the agent no longer answers, the page stays and says that it is not current", async () => {
    const { served, page, pass } = await living("/");
    await served.close();
    await pass();
    await page.getByText("Not current: the agent does not answer").waitFor();
    expect(await page.getByRole("heading", { level: 1 }).textContent()).toContain("Of 5 sources");
  });
});
