// Headless Chromium, and what the kernel knows about its processes.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { setTimeout as sleep } from "node:timers/promises";

const { chromium } = createRequire(new URL("../../../js/package.json", import.meta.url))("playwright-core");

const START_MS = 60_000;
/** How long anything that a page does may take. */
const PAGE_MS = 180_000;
const GLOBAL_MS = 30_000;
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
  WebAssembly.Instance = class extends Instance {
    constructor(...args) {
      super(...args);
      keep(this);
    }
  };
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
  call(name, ...args) {
    return this.evaluate(([name, args]) => globalThis.bench[name](...args), [name, args]);
  }

  /** Waits until the page has set a global of that name, and returns it. */
  async global(name) {
    for (const end = Date.now() + GLOBAL_MS; Date.now() < end; await sleep(20)) {
      const value = await this.evaluate(
        (name) => globalThis[name] && { is: typeof globalThis[name] === "object" || globalThis[name] },
        name,
      );
      if (value) return value.is;
    }
    throw new Error([`the page has not set \`${name}\``, ...this.#problems].join("\n"));
  }

  async evaluate(f, argument) {
    try {
      return await this.#page.evaluate(f, argument);
    } catch (error) {
      throw new Error([error.message, ...this.#problems].join("\n"));
    }
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
