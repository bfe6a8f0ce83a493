// Processes that fixtures start. Each is the leader of a group, so that its own children end with it.
import { spawn } from "node:child_process";
import { delimiter, join } from "node:path";
import { Failure } from "./failure.mjs";
import { stopOnInterrupt } from "./interrupt.mjs";

/** A command line that runs in the folder of a fixture, where programs of its npm packages come first. */
export class Child {
  #process;
  #command;
  /** The end of what it has written, to stdout and stderr. */
  output = "";
  #listeners = [];
  #forget;
  /** The exit code, or the signal's name. */
  ended;

  constructor(command, cwd, env = {}) {
    this.#command = command;
    const path = [join(cwd, "node_modules/.bin"), process.env.PATH].join(delimiter);
    const all = { ...process.env, CI: "true", NO_COLOR: "1", ...env, PATH: path };
    delete all.FORCE_COLOR;
    const stdio = ["ignore", "pipe", "pipe"];
    this.#process = spawn(command, { cwd, env: all, shell: true, detached: true, stdio });
    this.#forget = stopOnInterrupt(() => this.kill());
    for (const stream of [this.#process.stdout, this.#process.stderr]) {
      stream.setEncoding("utf8").on("data", (text) => {
        this.output = `${this.output}${text}`.slice(-100_000);
        if (stream === this.#process.stdout) for (const listener of this.#listeners) listener(text);
      });
    }
    // `close`, not `exit`: all that it has written was read.
    this.closed = new Promise((resolve) => {
      this.#process.once("close", (code, signal) => {
        this.ended = code ?? signal;
        resolve(this.ended);
      });
    });
  }

  /** Calls `listener` with each piece of text on stdout. */
  onStdout(listener) {
    this.#listeners.push(listener);
  }

  /** The failure of this command, with the end of its output. The stack is of the tool's own functions. */
  failure(what) {
    const lines = this.output
      .trim()
      .split("\n")
      .filter((line) => !/^\s+at /.test(line))
      .slice(-25);
    return new Failure(`\`${this.#command}\` ${what}:\n${lines.join("\n")}`);
  }

  /** Waits for its end with exit code 0. */
  async succeeds(timeoutMs) {
    const late = setTimeout(() => this.kill(), timeoutMs);
    const ended = await this.closed;
    clearTimeout(late);
    this.kill(); // what it has left running
    if (ended === "SIGKILL") throw this.failure(`did not end within ${timeoutMs / 1000} s`);
    if (ended !== 0) throw this.failure(`ended with ${ended}`);
  }

  kill() {
    this.#forget();
    try {
      process.kill(-this.#process.pid, "SIGKILL");
    } catch {
      // Its group has ended.
    }
  }

  async stop() {
    this.kill();
    await this.closed;
  }
}
