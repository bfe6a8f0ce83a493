// Chromium by its own protocol (https://chromedevtools.github.io/devtools-protocol/), without Playwright. Playwright stays
// attached to each page, and starts the browser without the back/forward cache and the throttling of hidden pages.
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Calls } from "./calls.mjs";
import { until } from "./page.mjs";
import { killTree } from "./processes.mjs";
import { addressOf, START_MS, started } from "./started.mjs";

const { WebSocket } = createRequire(new URL("../../package.json", import.meta.url))("ws");

/** How long a page may take to say whether it is loaded, before it is asked again. */
const LOOK_MS = 5000;

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
  #dir;
  #keepsDir;
  #process;
  #socket;
  #calls = new Calls();
  /** By session: what waits for the crash of its page. */
  #crashes = new Map();

  /**
   * @param {string[]} args more switches
   * @param {string} [profile] the folder of the profile, which outlives the browser; default: a new one, which does not
   */
  static start(args = [], profile = undefined) {
    return started(async () => {
      const cdp = new Cdp();
      cdp.#keepsDir = profile !== undefined;
      cdp.#dir = profile ?? mkdtempSync(join(tmpdir(), "seamline-chromium-"));
      try {
        await cdp.#start(args);
      } catch (error) {
        await cdp.stop();
        throw error;
      }
      return cdp;
    });
  }

  async #start(args) {
    const all = [...ARGS, `--user-data-dir=${this.#dir}`, ...args, "about:blank"];
    this.#process = spawn(process.env.CHROMIUM, all, { stdio: ["ignore", "ignore", "pipe"] });
    const address = await addressOf(this.#process, /DevTools listening on (ws:\S+)/);
    this.#socket = new WebSocket(address, { handshakeTimeout: START_MS });
    await new Promise((resolve, reject) => this.#socket.once("open", resolve).once("error", reject));
    this.#socket.on("message", (text) => this.#receive(JSON.parse(text)));
  }

  #receive({ id, result, error, method, sessionId }) {
    if (method === "Inspector.targetCrashed") this.#crashes.get(sessionId)?.();
    this.#calls.answer(id, error?.message, result);
  }

  /** Calls a method: of the browser, or of the page that `sessionId` is attached to. */
  send(method, params = {}, sessionId = undefined, patienceMs = undefined) {
    const send = (id) => this.#socket.send(JSON.stringify({ id, method, params, sessionId }));
    return this.#calls.start(method, send, patienceMs);
  }

  /** Resolves when the page that `sessionId` is attached to has crashed. */
  crashed(sessionId) {
    return new Promise((resolve) => this.#crashes.set(sessionId, resolve));
  }

  async page(url) {
    const { targetId } = await this.send("Target.createTarget", { url: "about:blank" });
    const page = new Page(this, targetId);
    await page.attach();
    await page.send("Page.enable");
    await page.goto(url);
    return page;
  }

  /** SIGKILL: nothing is written any more. */
  async kill() {
    await killTree(this.#process);
    this.#process.stderr.destroy();
    this.#socket.terminate();
  }

  async stop() {
    const ended = new Promise((resolve) => this.#process?.once("exit", resolve));
    const gently = this.#process?.kill();
    const late = setTimeout(() => this.#process.kill("SIGKILL"), 10_000);
    if (gently) await ended;
    clearTimeout(late);
    if (this.#keepsDir) return;
    try {
      rmSync(this.#dir, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
    } catch {
      // Its last children still write there: no test fails for that.
    }
  }
}

class Page {
  #cdp;
  #session;

  constructor(cdp, targetId) {
    this.#cdp = cdp;
    this.targetId = targetId;
  }

  send(method, params, patienceMs = undefined) {
    return this.#cdp.send(method, params, this.#session, patienceMs);
  }

  async attach() {
    const { sessionId } = await this.#cdp.send("Target.attachToTarget", { targetId: this.targetId, flatten: true });
    this.#session = sessionId;
  }

  /** Detaches from the page: an attached debugger keeps a page awake. */
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

  #loaded(url) {
    const at = () => [location.href, document.readyState];
    return until(`${url} is loaded`, async () => {
      // While one page takes the place of another, a question to the first may get no answer.
      const [href, state] = await this.evaluate(at, undefined, LOOK_MS).catch(() => []);
      return href === url && state === "complete";
    });
  }

  /** Calls a function in the page. */
  async evaluate(f, argument, patienceMs = undefined) {
    const expression = `(${f})(${JSON.stringify(argument)})`;
    const params = { expression, awaitPromise: true, returnByValue: true };
    const { result, exceptionDetails } = await this.send("Runtime.evaluate", params, patienceMs);
    if (exceptionDetails) throw new Error(exceptionDetails.exception?.description ?? exceptionDetails.text);
    return result.value;
  }

  /**
   * Ends the page's process, in the middle of whatever it does. Returns when. What it was asked meanwhile gets no answer.
   */
  async crash() {
    const crashed = this.#cdp.crashed(this.#session);
    await this.send("Inspector.enable");
    const at = Date.now();
    this.send("Page.crash").catch(() => {});
    await crashed;
    return at;
  }

  /** The browser freezes it, as it does with pages that are hidden for long. */
  freeze = () => this.send("Page.setWebLifecycleState", { state: "frozen" });
  thaw = () => this.send("Page.setWebLifecycleState", { state: "active" });

  close() {
    return this.#cdp.send("Target.closeTarget", { targetId: this.targetId });
  }
}
