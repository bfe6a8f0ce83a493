// Headless Chromium, and what the kernel knows about its processes.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

const { chromium } = createRequire(new URL("../../../js/package.json", import.meta.url))("playwright-core");

const START_MS = 60_000;
/** How long anything that a page does may take. */
const PAGE_MS = 180_000;
const ARGS = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-background-networking"];
// A spare renderer would be mistaken for the page's. An idle one costs nothing, but starts while something is measured.
const FEATURES = "--disable-features=SpareRendererForSitePerProcess,PaintHolding";

export class Browser {
  #browser;
  #cdp;

  static async start() {
    const browser = new Browser();
    const executablePath = process.env.CHROMIUM;
    browser.#browser = await chromium.launch({ executablePath, args: [...ARGS, FEATURES], timeout: START_MS });
    browser.#cdp = await browser.#browser.newBrowserCDPSession();
    return browser;
  }

  get version() {
    return this.#browser.version();
  }

  /** Opens a page with nothing in its caches. `prepare` runs in it before its own scripts. */
  async page(url, prepare) {
    const before = await this.#renderers();
    const context = await this.#browser.newContext();
    context.setDefaultTimeout(PAGE_MS);
    const page = await context.newPage();
    const problems = [];
    page.on("pageerror", (error) => problems.push(String(error)));
    page.on("console", (message) => message.type() === "error" && problems.push(message.text()));
    await page.addInitScript(observe);
    if (prepare) await page.addInitScript(prepare);
    await page.goto(url);
    const renderers = await this.#renderers();
    const pid = renderers.find((renderer) => !before.includes(renderer));
    return new Page(context, page, pid, problems);
  }

  async #renderers() {
    const { processInfo } = await this.#cdp.send("SystemInfo.getProcessInfo");
    return processInfo.filter(({ type }) => type === "renderer").map(({ id }) => id);
  }

  stop() {
    return this.#browser.close();
  }
}

/** Records what only an observer from the start can see. Runs in the page. */
function observe() {
  globalThis.observed = { longTasks: [], memories: [] };
  const { longTasks, memories } = globalThis.observed;
  new PerformanceObserver((list) => {
    for (const { startTime, duration } of list.getEntries()) longTasks.push({ startTime, duration });
  }).observe({ type: "longtask", buffered: true });
  const keep = ({ instance = undefined, exports = instance?.exports }) => {
    const memory = Object.values(exports ?? {}).find((value) => value instanceof WebAssembly.Memory);
    if (memory) memories.push(memory);
  };
  const { instantiate, Instance } = WebAssembly;
  WebAssembly.instantiate = async (...args) => {
    const done = await instantiate(...args);
    keep(done);
    return done;
  };
  WebAssembly.Instance = (...args) => {
    const instance = new Instance(...args);
    keep(instance);
    return instance;
  };
  WebAssembly.Instance.prototype = Instance.prototype;
}

class Page {
  #context;
  #page;
  #pid;
  #problems;

  constructor(context, page, pid, problems) {
    this.#context = context;
    this.#page = page;
    this.#pid = pid;
    this.#problems = problems;
  }

  /** Calls a function of the page's script. */
  async call(name, ...args) {
    const run = ([name, args]) => globalThis.bench[name](...args);
    try {
      return await this.#page.evaluate(run, [name, args]);
    } catch (error) {
      throw new Error([error.message, ...this.#problems].join("\n"));
    }
  }

  evaluate(f, argument) {
    return this.#page.evaluate(f, argument);
  }

  /** The processor time of the page's main thread, in microseconds. */
  mainThreadUs() {
    // The first field of proc(5), `schedstat`, is the time on the processor in nanoseconds.
    const [ns] = readFileSync(`/proc/${this.#pid}/task/${this.#pid}/schedstat`, "utf8").split(" ");
    return Number(ns) / 1000;
  }

  /** The longest task of the main thread since `from` (of `performance.now()`). Tasks up to 50 ms count as 0. */
  longestTaskMs(from = 0) {
    return this.#page.evaluate(async (from) => {
      await new Promise((resolve) => setTimeout(resolve, 100)); // the observer is called later
      const longTasks = globalThis.observed.longTasks.filter(({ startTime }) => startTime >= from);
      return Math.max(0, ...longTasks.map(({ duration }) => duration));
    }, from);
  }

  /** The bytes of the page's WebAssembly memories. */
  wasmBytes() {
    return this.#page.evaluate(() =>
      globalThis.observed.memories.reduce((bytes, { buffer }) => bytes + buffer.byteLength, 0),
    );
  }

  close() {
    return this.#context.close();
  }
}
