// Headless Chromium, through Playwright.
import { createRequire } from "node:module";
import { started } from "./started.mjs";

const { chromium } = createRequire(new URL("../../package.json", import.meta.url))("playwright-core");

/** Waiting for a page, too, takes its time on a busy machine. */
const PATIENCE_MS = 60_000;

/** Starts the browser. */
export function launch() {
  return started(() =>
    chromium.launch({
      executablePath: process.env.CHROMIUM,
      args: ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-background-networking"],
      timeout: PATIENCE_MS,
    }),
  );
}

export class Chromium {
  #browser;

  static async start() {
    const browser = new Chromium();
    browser.#browser = await launch();
    return browser;
  }

  async page(url) {
    const context = await this.#browser.newContext();
    context.setDefaultTimeout(PATIENCE_MS);
    return this.#open(context, url);
  }

  async #open(context, url) {
    const page = await context.newPage();
    const problems = [];
    page.on("pageerror", (error) => problems.push(String(error)));
    await page.goto(url);
    return {
      problems,
      goto: (to) => page.goto(to),
      evaluate: (f, argument) => page.evaluate(f, argument),
      collectGarbage: () => page.requestGC(),
      tab: (to) => this.#open(context, to),
      closeTab: () => page.close(),
      close: () => context.close(),
    };
  }

  stop() {
    return this.#browser.close();
  }
}
