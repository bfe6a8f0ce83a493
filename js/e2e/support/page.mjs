// Pages that have only the packed npm package, in the browser that `ENGINE` names.
import { Chromium } from "./chromium.mjs";
import { Site } from "./site.mjs";
import { started } from "./started.mjs";
import { WebDriver } from "./webdriver.mjs";

/** `chromium`, `firefox` or `webkit`. */
export const ENGINE = process.env.ENGINE ?? "chromium";

/** Serves the package, and opens pages on it. */
export class Browser {
  #site;
  #browser;

  /** @param {Record<string, string>} [folders] what its site serves besides the package; see {@link Site} */
  constructor(folders = {}) {
    this.#site = new Site(folders);
  }

  async start() {
    await this.#site.start();
    try {
      this.#browser = await (ENGINE === "chromium" ? Chromium.start() : started(() => WebDriver.start(ENGINE)));
    } catch (error) {
      await this.#site.stop(); // a test that fails here must end
      throw error;
    }
    return this;
  }

  /** The empty page's URL; {@link Site} has some more. */
  get url() {
    return this.#site.url;
  }

  /**
   * A fresh page, in which everything that the package exports is global. `evaluate(f, argument)` calls a
   * function in it; `problems` has the errors that nobody caught; `close()` closes it. In Chromium, `collectGarbage()`
   * does so. `load()` loads it again. `kind`: see {@link WebDriver.page}.
   */
  async page(path = "", kind = "tab") {
    return this.#ready(await this.#browser.page(this.#site.url + path, kind), path);
  }

  /** Another page of the same browser profile as this one; `closeTab()` closes only that. */
  async tab(page, path = "") {
    return this.#ready(await page.tab(this.#site.url + path), path);
  }

  async #ready(page, path) {
    const prepare = () => page.evaluate(async () => void Object.assign(globalThis, await import("/dist/index.js")));
    page.load = async () => {
      await page.goto(this.#site.url + path);
      await prepare();
    };
    await prepare();
    return page;
  }

  async stop() {
    await this.#browser?.stop();
    await this.#site.stop();
  }
}

/** Waits until a condition holds. The error names the condition. */
export async function until(what, condition, timeoutMs = 60_000) {
  const end = Date.now() + timeoutMs;
  for (;;) {
    const late = Date.now() > end; // read before the check, so that a machine that stalls gets another one
    if (await condition()) return;
    if (late) throw new Error(`waited ${timeoutMs} ms in vain until ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
