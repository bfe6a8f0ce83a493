// Headless Chromium, through Playwright.
import { createRequire } from "node:module";

const { chromium } = createRequire(new URL("../../../js/package.json", import.meta.url))("playwright-core");

export class Chromium {
  #browser;

  static async start() {
    const started = new Chromium();
    started.#browser = await chromium.launch({
      executablePath: process.env.CHROMIUM,
      args: ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-background-networking"],
    });
    return started;
  }

  async page(url) {
    const context = await this.#browser.newContext();
    const page = await context.newPage();
    const problems = [];
    page.on("pageerror", (error) => problems.push(String(error)));
    await page.goto(url);
    return {
      problems,
      evaluate: (f, argument) => page.evaluate(f, argument),
      close: () => context.close(),
    };
  }

  stop() {
    return this.#browser.close();
  }
}
