// WebKitGTK with a profile that outlives it: the browser of webkit.py.
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { Calls } from "./calls.mjs";
import { killTree } from "./processes.mjs";

const PROGRAM = fileURLToPath(new URL("webkit.py", import.meta.url));

export class WebKit {
  #process;
  #calls = new Calls();
  #pages = 0;

  /** @param {number} [quotaRatio] how much of the disk a site may use */
  static async start(profile, quotaRatio = undefined) {
    const webkit = new WebKit();
    const args = [profile, ...(quotaRatio ? [`${quotaRatio}`] : [])];
    webkit.#process = spawn(PROGRAM, args, { stdio: ["pipe", "pipe", "inherit"] });
    webkit.#process.stdin.on("error", () => {}); // it has ended
    createInterface(webkit.#process.stdout).on("line", (line) => webkit.#receive(JSON.parse(line)));
    webkit.#process.once("exit", () => webkit.#calls.end("the browser has ended"));
    return webkit;
  }

  #receive({ id, value, error }) {
    this.#calls.answer(id, error, value);
  }

  send(command) {
    const send = (id) => this.#process.stdin.write(`${JSON.stringify({ id, ...command })}\n`);
    return this.#calls.start(command.do, send);
  }

  async page(url) {
    const page = new Page(this, ++this.#pages);
    await page.open();
    await page.goto(url);
    return page;
  }

  kill() {
    return killTree(this.#process);
  }

  stop() {
    return this.kill();
  }
}

class Page {
  #webkit;
  #page;

  constructor(webkit, page) {
    this.#webkit = webkit;
    this.#page = page;
  }

  #send(command, more) {
    return this.#webkit.send({ do: command, page: this.#page, ...more });
  }

  open = () => this.#send("open");
  goto = (url) => this.#send("goto", { url });
  /** Nothing runs in the page until it thaws. */
  freeze = () => this.#send("freeze");
  thaw = () => this.#send("thaw");

  /** Ends the page's process. Returns when. */
  async crash() {
    const at = Date.now();
    await this.#send("crash");
    return at;
  }

  close = () => this.#send("close");

  /** Calls a function in the page. */
  evaluate(f, argument) {
    const body = `return JSON.stringify(await (${f})(${JSON.stringify(argument)})) ?? "null"`;
    return this.#send("evaluate", { body });
  }
}
