// Firefox and WebKit, through WebDriver (https://www.w3.org/TR/webdriver2/).
import { spawn } from "node:child_process";
import { createRequire } from "node:module";
import { unusedPort } from "./port.mjs";
import { START_MS } from "./started.mjs";

const { Builder, Capabilities } = createRequire(new URL("../../package.json", import.meta.url))("selenium-webdriver");

/** How long a function may take in the page. */
const ANSWER_MS = 120_000;

const ENGINES = {
  firefox: {
    driver: () => [process.env.GECKODRIVER, (port) => ["--port", `${port}`]],
    capabilities: () => ({
      browserName: "firefox",
      "moz:firefoxOptions": { binary: process.env.FIREFOX, args: ["-headless"] },
    }),
  },
  webkit: {
    driver: () => [process.env.WEBKIT_DRIVER, (port) => [`--port=${port}`]],
    capabilities: () => ({
      browserName: "MiniBrowser",
      "webkitgtk:browserOptions": { binary: process.env.WEBKIT, args: ["--automation"] },
    }),
  },
};

/** One browser, driven by a driver process of its own. */
export class WebDriver {
  #driver;
  #process;
  /** A session has one current window; commands for another one must not come in between. */
  #turn = Promise.resolve();

  static async start(engine) {
    const { driver, capabilities } = ENGINES[engine];
    const started = new WebDriver();
    const [binary, args] = driver();
    const port = await unusedPort();
    started.#process = spawn(binary, args(port), { stdio: "ignore" });
    const server = `http://127.0.0.1:${port}`;
    try {
      await listening(server, started.#process);
      started.#driver = await new Builder()
        .disableEnvironmentOverrides()
        .usingServer(server)
        .withCapabilities(new Capabilities(capabilities()))
        .build();
    } catch (error) {
      await started.stop();
      throw error;
    }
    return started;
  }

  /** @param {"tab" | "window"} kind tabs are hidden in WebKit, and all but one in Firefox; windows are not */
  async page(url, kind = "tab") {
    const window = await this.#inTurn(async () => {
      await this.#driver.switchTo().newWindow(kind);
      await this.#driver.get(url);
      return this.#driver.getWindowHandle();
    });
    const page = new Page((script) =>
      this.#inTurn(async () => {
        await this.#driver.switchTo().window(window);
        return this.#driver.executeScript(script);
      }),
    );
    const navigate = (f) => () =>
      this.#inTurn(async () => {
        await this.#driver.switchTo().window(window);
        await f();
      });
    page.goto = (to) => navigate(() => this.#driver.get(to))();
    page.back = navigate(() => this.#driver.navigate().back());
    page.tab = (to) => this.page(to);
    page.close = () =>
      this.#inTurn(async () => {
        await this.#driver.switchTo().window(window);
        await this.#driver.close();
        const [other] = await this.#driver.getAllWindowHandles();
        await this.#driver.switchTo().window(other);
      });
    page.closeTab = page.close;
    await page.evaluate(() => {
      globalThis.__problems = [];
      addEventListener("error", (event) => __problems.push(String(event.error ?? event.message)));
      addEventListener("unhandledrejection", (event) => __problems.push(String(event.reason)));
    });
    return page;
  }

  async stop() {
    await this.#driver?.quit().catch(() => {});
    const ended = new Promise((resolve) => this.#process.once("exit", resolve));
    if (this.#process.kill()) await ended;
  }

  #inTurn(command) {
    const done = this.#turn.then(command);
    this.#turn = done.catch(() => {});
    return done;
  }
}

class Page {
  problems = [];
  #execute;
  #calls = 0;

  constructor(execute) {
    this.#execute = execute;
  }

  /**
   * Calls a function in the page, not in the driver's sandbox: so as a script of the page, which leaves
   * its result in the document. A function that takes its time blocks no other page.
   */
  async evaluate(f, argument) {
    const name = `call-${++this.#calls}`;
    const code = `(async () => {
      const done = (result) => document.documentElement.setAttribute("${name}", JSON.stringify(result));
      try {
        done({ value: await (${f})(${JSON.stringify(argument)}), problems: globalThis.__problems?.splice(0) });
      } catch (error) {
        done({ error: String(error?.message ?? error) });
      }
    })()`;
    await this.#execute(`
      const script = document.createElement("script");
      script.textContent = ${JSON.stringify(code)};
      document.head.append(script);
      script.remove();`);
    for (const since = Date.now(); ; ) {
      const answer = await this.#execute(`
        const root = document.documentElement;
        const answer = root.getAttribute("${name}");
        root.removeAttribute("${name}");
        return answer;`);
      if (answer === null) {
        // The page may have gone away, and the answer with it.
        if (Date.now() - since > ANSWER_MS) throw new Error(`no answer from the page after ${ANSWER_MS} ms`);
        await new Promise((resolve) => setTimeout(resolve, 10));
        continue;
      }
      const { value, error, problems = [] } = JSON.parse(answer);
      if (error !== undefined) throw new Error(error);
      this.problems.push(...problems);
      return value;
    }
  }
}

async function listening(server, driver) {
  for (const since = Date.now(); ; ) {
    if (Date.now() - since > START_MS) throw new Error(`the driver does not listen after ${START_MS} ms`);
    if (driver.exitCode !== null) throw new Error(`the driver ended with ${driver.exitCode}`);
    const answer = await fetch(`${server}/status`).catch(() => undefined);
    if (answer?.ok) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
