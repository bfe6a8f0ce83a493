// The processes that a run starts. They end with it.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { connect } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";

const START_MS = 30_000;
const running = new Set();

process.on("exit", () => {
  for (const child of running) child.kill("SIGKILL");
});
for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => process.exit(1));

export class Child {
  #process;
  #output = "";
  port;

  constructor(program, args, options = {}) {
    this.#process = spawn(program, args, { stdio: ["pipe", "pipe", "pipe"], ...options });
    running.add(this.#process);
    this.#process.on("exit", () => running.delete(this.#process));
    this.#process.on("error", (error) => (this.#output += error));
    for (const stream of [this.#process.stdout, this.#process.stderr]) {
      stream.on("data", (chunk) => (this.#output = (this.#output + chunk).slice(-20_000)));
    }
    this.#process.stdin.on("error", () => {});
  }

  /** Starts a program that prints where it listens. */
  static async start(program, args, options) {
    const child = new Child(program, args, options);
    await child.#until("prints where it listens", () => {
      child.port = Number(/listening on \S+:(\d+)/.exec(child.#output)?.[1]);
      return child.port > 0;
    });
    return child;
  }

  /** Starts a program that is given its port. */
  static async startOn(port, program, args, options) {
    const child = new Child(program, args, options);
    child.port = port;
    await child.#until(`accepts connections on port ${port}`, () => accepts(port));
    return child;
  }

  get pid() {
    return this.#process.pid;
  }

  async #until(what, condition) {
    for (const end = Date.now() + START_MS; !(await condition()); await sleep(20)) {
      if (!this.#isRunning || Date.now() > end) {
        throw new Error(`waited in vain until ${this.#process.spawnfile} ${what}:\n${this.#output}`);
      }
    }
  }

  get #isRunning() {
    return this.#process.exitCode === null && this.#process.signalCode === null;
  }

  /** Writes to its standard input. */
  write(text) {
    return new Promise((resolve) => this.#process.stdin.write(text, resolve));
  }

  /** Ends its input, and waits until it has ended. */
  async finish() {
    this.#process.stdin.end();
    if (this.#isRunning) await once(this.#process, "exit");
    if (this.#process.exitCode !== 0) throw new Error(`${this.#process.spawnfile} failed:\n${this.#output}`);
  }

  async stop(signal = "SIGKILL") {
    if (!this.#isRunning) return;
    const ended = once(this.#process, "exit");
    this.#process.kill(signal);
    await ended;
  }
}

function accepts(port) {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    socket.once("connect", () => resolve(true)).once("error", () => resolve(false));
    socket.once("connect", () => socket.destroy());
  });
}
