// A browser and its page, which publishes, crashes and is killed.
import assert from "node:assert/strict";
import { Profile } from "./profile.mjs";

export class Victim {
  #profile = new Profile();
  #page;
  #url;
  #options;
  /** What the last page reported. */
  last;
  safe;

  /** @param {{ channels: string[] }} options those of `survive` in survivor.mjs, which runs in the page at `url` */
  constructor(url, options) {
    this.#url = url;
    this.#options = options;
    this.safe = options.channels.map(() => 0);
  }

  async start() {
    await this.#profile.open();
    this.#page = await this.#profile.page(this.#url);
    await this.#run();
  }

  async #run() {
    await this.#page.evaluate(async (options) => {
      const { survive } = await import("/support/survivor.mjs");
      globalThis.report = await survive(options);
    }, this.#options);
    const { safe } = this;
    const { first } = await this.look();
    // What was stored, is stored: the next number comes after it.
    for (const [i, n] of first.entries()) {
      assert.ok(n > safe[i], `channel ${this.#options.channels[i]}: ${n} after ${safe[i]}`);
    }
  }

  async look() {
    this.last = await this.#page.evaluate(() => globalThis.report());
    this.safe = this.last.safe.map((n, i) => Math.max(n, this.safe[i]));
    return this.last;
  }

  /** The page's process crashes. The user reloads the page, or opens another one. */
  async crash(opensAnother) {
    await this.#page.crash();
    if (opensAnother) {
      await this.#page.close();
      this.#page = await this.#profile.page(this.#url);
    } else await this.#page.goto(this.#url);
    await this.#run();
  }

  async kill() {
    await this.#profile.kill();
    await this.start();
  }

  stop() {
    return this.#profile.remove();
  }
}
