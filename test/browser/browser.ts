/** A Chromium that talks to nobody but the page under test, and what tests ask of a page. */
import { access } from "node:fs/promises";
import { type Browser, chromium, type Page } from "playwright-core";

const EXECUTABLE = process.env["CHROMIUM"] ?? "/usr/bin/chromium";

const QUIET = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

/** @throws naming the mend when there is no Chromium */
export async function launch(): Promise<Browser> {
  try {
    await access(EXECUTABLE);
  } catch {
    throw new Error(
      `There is no Chromium at ${EXECUTABLE}. Mend: apt-get install chromium, or set CHROMIUM to another one. (npm test needs none.)`,
    );
  }
  return chromium.launch({ executablePath: EXECUTABLE, args: QUIET });
}

export interface Watched {
  readonly page: Page;
  /** Errors and warnings of the console, uncaught exceptions. */
  readonly complaints: string[];
  /** Requests to anything but the agent. */
  readonly strangers: string[];
}

export function watch(page: Page, base: string): Watched {
  const complaints: string[] = [];
  const strangers: string[] = [];
  page.on("console", (message) => {
    if (message.type() === "error" || message.type() === "warning") complaints.push(message.text());
  });
  page.on("pageerror", (error) => complaints.push(error.message));
  page.on("request", (request) => {
    if (!request.url().startsWith(base)) strangers.push(request.url());
  });
  return { page, complaints, strangers };
}
