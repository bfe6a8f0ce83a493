// A profile of the browser that `ENGINE` names, which outlives the browser's process: for browsers that are killed.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Cdp } from "./cdp.mjs";
import { Firefox } from "./firefox.mjs";
import { ENGINE } from "./page.mjs";
import { WebKit } from "./webkit.mjs";

const START = {
  chromium: (folder) => Cdp.start([], folder),
  firefox: (folder, { quotaKb }) => Firefox.start(folder, quotaKb),
  webkit: (folder, { quotaRatio }) => WebKit.start(folder, quotaRatio),
};

export class Profile {
  folder = mkdtempSync(join(tmpdir(), "seamline-profile-"));
  #browser;

  /**
   * Starts a browser with it, after the one before was killed. Its pages have `goto`, `evaluate`, `crash` and `close`.
   * `limits` are what Firefox and WebKit can limit, by their own units.
   */
  async open(limits = {}) {
    this.#browser = await START[ENGINE](this.folder, limits);
  }

  page(url) {
    return this.#browser.page(url);
  }

  /** SIGKILL for every process of the browser. */
  kill() {
    return this.#browser.kill();
  }

  async remove() {
    await this.#browser?.kill(); // a browser that ends by itself may write for seconds
    rmSync(this.folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
  }
}
