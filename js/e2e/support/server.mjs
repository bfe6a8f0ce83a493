// A real server process, which can be killed and started again on the same data.
import { spawn } from "node:child_process";
import { cpSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";

const BINARY =
  process.env.SEAMLINE_SERVER ?? fail("SEAMLINE_SERVER names no server; run `cargo xtask test --only e2e`");

function fail(message) {
  throw new Error(message);
}

/** Starts servers one after the other on one data directory; `stop` ends all and removes it. */
export class Server {
  #data = mkdtempSync(join(tmpdir(), "seamline-e2e-"));
  #args;
  #child;
  #log = "";
  /** How often a server has waited in the seam, for as long as `--unsafe-seam-delay-ms`. */
  seams = 0;
  /** Where the running one listens; unchanged while none runs. */
  port = 0;

  constructor(args = []) {
    this.#args = args;
  }

  get url() {
    return `http://127.0.0.1:${this.port}`;
  }

  /** What the servers wrote to stderr: for the message of a failed test. */
  get log() {
    return this.#log;
  }

  async start() {
    const args = ["--listen", "127.0.0.1:0", "--data", this.#data, ...this.#args];
    const env = { ...process.env, RUST_LOG: "seamline_server=info,seamline_server::ws::feed=debug" };
    const child = spawn(BINARY, args, { stdio: ["ignore", "pipe", "pipe"], env });
    this.#child = child;
    createInterface(child.stderr).on("line", (line) => {
      if (line.includes("waits in the seam")) this.seams++;
      this.#log = `${this.#log}${line}\n`.slice(-20_000);
    });
    const line = await new Promise((resolve, reject) => {
      let text = "";
      child.stdout.on("data", (chunk) => {
        text += chunk;
        if (text.includes("\n")) resolve(text);
      });
      child.once("exit", (code) => reject(new Error(`the server ended with ${code}:\n${this.#log}`)));
    });
    this.port = Number(/:(\d+)\s/.exec(line)?.[1]);
    return this;
  }

  /** `kill -9`: no warning, no flush. */
  async kill(signal = "SIGKILL") {
    const child = this.#child;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const ended = new Promise((resolve) => child.once("exit", resolve));
    child.kill(signal);
    await ended;
  }

  /** `SIGSTOP` stalls the server while its sockets stay open. `SIGCONT` resumes it. */
  signal(name) {
    this.#child.kill(name);
  }

  /** Shuts the server down, changes its data, and starts it again. */
  async restart(change = () => {}) {
    await this.kill("SIGTERM");
    change(this.#data);
    await this.start();
  }

  /** A backup of the data. `restore` returns to it. */
  async backUp() {
    await this.restart((data) => cpSync(data, `${data}-backup`, { recursive: true }));
  }

  async restore() {
    await this.restart((data) => {
      rmSync(data, { recursive: true });
      cpSync(`${data}-backup`, data, { recursive: true });
      rmSync(`${data}-backup`, { recursive: true });
    });
  }

  async stop() {
    await this.kill();
    for (const path of [this.#data, `${this.#data}-backup`]) rmSync(path, { recursive: true, force: true });
  }
}
