// Firefox with a profile that outlives it, by WebDriver BiDi (https://www.w3.org/TR/webdriver-bidi/) without a driver.
import { spawn } from "node:child_process";
import { writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { Calls, Unanswered } from "./calls.mjs";
import { until } from "./page.mjs";
import { descendants, killAll, killTree } from "./processes.mjs";
import { addressOf, START_MS, started } from "./started.mjs";

const { WebSocket } = createRequire(new URL("../../package.json", import.meta.url))("ws");

/** Each page has a process of its own. */
const PREFERENCES = [
  ["dom.ipc.processCount.webIsolated", 100],
  ["dom.ipc.processPrelaunch.enabled", false],
];
/** How long a page may take to load, before it is loaded again. */
const LOAD_MS = 20_000;

const ARGS = ["-headless", "-no-remote", "--remote-debugging-port=0"];

export class Firefox {
  #process;
  #socket;
  #calls = new Calls();

  /** Of each page. */
  #pids = new Map();

  /** @param {number} [quotaKb] how much all sites together may store */
  static start(profile, quotaKb = undefined) {
    const quota = quotaKb ? [["dom.quotaManager.temporaryStorage.fixedLimit", quotaKb]] : [];
    const lines = [...PREFERENCES, ...quota].map(
      (preference) => `user_pref(${JSON.stringify(preference).slice(1, -1)});\n`,
    );
    writeFileSync(join(profile, "user.js"), lines.join(""));
    return started(async () => {
      const firefox = new Firefox();
      try {
        await firefox.#start(profile);
      } catch (error) {
        await firefox.kill();
        throw error;
      }
      return firefox;
    });
  }

  async #start(profile) {
    const env = { ...process.env, MOZ_CRASHREPORTER_DISABLE: "1" };
    const args = [...ARGS, "-profile", profile, "about:blank"];
    this.#process = spawn(process.env.FIREFOX, args, { env, stdio: ["ignore", "ignore", "pipe"] });
    const address = await addressOf(this.#process, /WebDriver BiDi listening on (ws:\S+)/);
    this.#socket = new WebSocket(`${address}/session`, { handshakeTimeout: START_MS });
    await new Promise((resolve, reject) => this.#socket.once("open", resolve).once("error", reject));
    this.#socket.on("message", (text) => this.#receive(JSON.parse(text)));
    await this.send("session.new", { capabilities: {} });
  }

  #receive({ id, result, error, message }) {
    this.#calls.answer(id, error && `${error}: ${message}`, result);
  }

  send(method, params, patienceMs = undefined) {
    return this.#calls.start(method, (id) => this.#socket.send(JSON.stringify({ id, method, params })), patienceMs);
  }

  /** Windows are visible; of the tabs in a window, all but one are hidden. */
  async page(url) {
    const { context } = await this.send("browsingContext.create", { type: "window" });
    const page = new Page(this, context);
    await page.goto(url);
    return page;
  }

  async navigate(context, url) {
    // The page about a crash may take the place of this one, and a process that has just been killed gives no answer:
    // then it is loaded again.
    const isLost = (error) => error instanceof Unanswered || error.message.includes("Address rejected");
    const isThere = () =>
      this.send("browsingContext.navigate", { context, url, wait: "complete" }, LOAD_MS).then(
        () => true,
        (error) => (isLost(error) ? false : Promise.reject(error)),
      );
    await until(`${url} is loaded`, isThere);
    this.#pids.delete(context);
    const others = [...this.#pids.values()];
    const isPage = ({ pid, name }) => name === "Isolated Web Co" && !others.includes(pid);
    this.#pids.set(context, descendants(this.#process.pid).find(isPage)?.pid);
  }

  /** The process of a page. */
  pid(context) {
    return this.#pids.get(context) ?? fail("the page has no process of its own");
  }

  async kill() {
    await killTree(this.#process);
    this.#process.stderr.destroy();
    this.#socket?.terminate();
  }

  stop() {
    return this.kill();
  }
}

function fail(message) {
  throw new Error(message);
}

class Page {
  #firefox;
  #context;

  constructor(firefox, context) {
    this.#firefox = firefox;
    this.#context = context;
  }

  async goto(url) {
    await this.#firefox.navigate(this.#context, url);
  }

  /** Calls a function in the page. */
  async evaluate(f, argument) {
    const expression = `(async () => JSON.stringify(await (${f})(${JSON.stringify(argument)})))()`;
    const target = { context: this.#context };
    const { result, exceptionDetails } = await this.#firefox.send("script.evaluate", {
      expression,
      target,
      awaitPromise: true,
    });
    if (exceptionDetails) throw new Error(exceptionDetails.text);
    return result.value && JSON.parse(result.value);
  }

  /** Ends the page's process. Returns when. */
  async crash() {
    const at = Date.now();
    await killAll([this.#firefox.pid(this.#context)]);
    return at;
  }

  /** Nothing runs in the page until it thaws. */
  freeze = () => void process.kill(this.#firefox.pid(this.#context), "SIGSTOP");
  thaw = () => void process.kill(this.#firefox.pid(this.#context), "SIGCONT");

  async close() {
    await this.#firefox.send("browsingContext.close", { context: this.#context });
  }
}
