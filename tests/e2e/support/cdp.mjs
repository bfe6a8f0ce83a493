// Chromium by its own protocol (https://chromedevtools.github.io/devtools-protocol/), without Playwright,
// which is always attached to each page and starts the browser with what a page's life is made of switched
// off: the back/forward cache and the throttling of hidden pages.
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";

const { WebSocket } = createRequire(new URL("../../../js/package.json", import.meta.url))("ws");

const ARGS = [
  "--headless=new",
  "--no-sandbox",
  "--disable-gpu",
  "--disable-dev-shm-usage",
  "--disable-background-networking",
  "--no-first-run",
  "--remote-debugging-port=0",
];

export class Cdp {
  #dir = mkdtempSync(join(tmpdir(), "seamline-chromium-"));
  #process;
  #socket;
  #calls = new Map();
  #next = 0;

  /** @param {string[]} args more switches */
  static async start(args = []) {
    const cdp = new Cdp();
    const all = [...ARGS, `--user-data-dir=${cdp.#dir}`, ...args, "about:blank"];
    cdp.#process = spawn(process.env.CHROMIUM, all, { stdio: ["ignore", "ignore", "pipe"] });
    const address = await new Promise((resolve, reject) => {
      let text = "";
      cdp.#process.stderr.on("data", (chunk) => {
        text += chunk;
        const found = /DevTools listening on (ws:\S+)/.exec(text);
        if (found) resolve(found[1]);
      });
      cdp.#process.once("exit", (code) => reject(new Error(`the browser ended with ${code}:\n${text}`)));
    });
    cdp.#socket = new WebSocket(address);
    await new Promise((resolve, reject) => cdp.#socket.once("open", resolve).once("error", reject));
    cdp.#socket.on("message", (text) => cdp.#receive(JSON.parse(text)));
    return cdp;
  }

  #receive({ id, result, error }) {
    const call = this.#calls.get(id);
    this.#calls.delete(id);
    if (error) call?.reject(new Error(error.message));
    else call?.resolve(result);
  }

  /** Calls a method: of the browser, or of the page that `sessionId` is attached to. */
  send(method, params = {}, sessionId) {
    const id = ++this.#next;
    this.#socket.send(JSON.stringify({ id, method, params, sessionId }));
    return new Promise((resolve, reject) => this.#calls.set(id, { resolve, reject }));
  }

  async page(url) {
    const { targetId } = await this.send("Target.createTarget", { url: "about:blank" });
    const page = new Page(this, targetId);
    await page.attach();
    await page.send("Page.enable");
    await page.goto(url);
    return page;
  }

  async stop() {
    const ended = new Promise((resolve) => this.#process.once("exit", resolve));
    this.#process.kill();
    await ended;
    rmSync(this.#dir, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
  }
}

class Page {
  #cdp;
  #session;

  constructor(cdp, targetId) {
    this.#cdp = cdp;
    this.targetId = targetId;
  }

  send(method, params) {
    return this.#cdp.send(method, params, this.#session);
  }

  async attach() {
    const { sessionId } = await this.#cdp.send("Target.attachToTarget", { targetId: this.targetId, flatten: true });
    this.#session = sessionId;
  }

  /** Lets go of the page: while a debugger looks at it, a page is kept awake. */
  detach() {
    return this.#cdp.send("Target.detachFromTarget", { sessionId: this.#session });
  }

  async goto(url) {
    await this.send("Page.navigate", { url });
    await this.#loaded(url);
  }

  /** The browser's back button. */
  async back() {
    const { currentIndex, entries } = await this.send("Page.getNavigationHistory");
    const { id, url } = entries[currentIndex - 1];
    await this.send("Page.navigateToHistoryEntry", { entryId: id });
    await this.#loaded(url);
  }

  async #loaded(url) {
    for (;;) {
      const at = await this.evaluate(() => [location.href, document.readyState]).catch(() => []);
      if (at[0] === url && at[1] === "complete") return;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  /** Calls a function in the page. */
  async evaluate(f, argument) {
    const expression = `(${f})(${JSON.stringify(argument)})`;
    const params = { expression, awaitPromise: true, returnByValue: true };
    const { result, exceptionDetails } = await this.send("Runtime.evaluate", params);
    if (exceptionDetails) throw new Error(exceptionDetails.exception?.description ?? exceptionDetails.text);
    return result.value;
  }

  close() {
    return this.#cdp.send("Target.closeTarget", { targetId: this.targetId });
  }
}
