// A seamline-server with a log that is filled before it starts, and the package that a page uses with it.
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, rmSync, statSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Child } from "./children.mjs";
import { payload } from "./message.mjs";

const { WebSocket } = createRequire(new URL("../../../js/package.json", import.meta.url))("ws");

const LIMITS = ["--max-publishes-per-second", "0", "--max-connections-per-ip", "0", "--retain-messages", "2000000"];
/** How many messages are written to an import at once. */
const LINES_AT_ONCE = 1000;

/** The folder of a package: that of the unpacked tarball. */
export function unpacked(path, dir) {
  if (statSync(path).isDirectory()) return existsSync(join(path, "package")) ? join(path, "package") : path;
  rmSync(dir, { recursive: true, force: true });
  mkdirSync(dir, { recursive: true });
  execFileSync("tar", ["-xzf", path, "-C", dir]);
  return join(dir, "package");
}

export class SeamlineServer {
  #data = mkdtempSync(join(tmpdir(), "seamline-bench-"));
  #child;
  #publisher;

  /**
   * @param {Record<string, number>} logs how many messages each channel has, years ago
   * @param {string[]} wrapper the program that runs the server, with its arguments
   * @param {boolean} isUsed whether the messages have keys, and each channel a client's position
   */
  static async start(binary, logs = {}, args = [], wrapper = [], isUsed = false) {
    const server = new SeamlineServer();
    if (Object.keys(logs).length > 0) {
      await server.#start(binary, args); // creates the store
      await server.#child.stop();
      await server.#import(binary, logs, isUsed);
    }
    await server.#start(binary, args, wrapper);
    return server;
  }

  async #start(binary, args, wrapper = []) {
    const [program, ...all] = [...wrapper, binary, "--listen", "127.0.0.1:0", "--data", this.#data, ...LIMITS, ...args];
    const env = Object.entries(process.env).filter(([name]) => !name.startsWith("SEAMLINE_"));
    this.#child = await Child.start(program, all, { env: Object.fromEntries(env) });
  }

  get port() {
    return this.#child.port;
  }

  get pid() {
    return this.#child.pid;
  }

  async #import(binary, logs, isUsed) {
    const importing = new Child(binary, ["log", "--data", this.#data, "import"]);
    const id = (n) => `${1_700_000_000_000 + n}-0`;
    const write = (lines) => importing.write(`${lines.join("\n")}\n`);
    await write([`{"line":"export","format":1}`]);
    for (const [name, head] of Object.entries(logs)) {
      const channel = { line: "channel", name, epoch: `epoch-of-${name}`, first: 1, head, last_id: id(head) };
      await write([JSON.stringify(channel)]);
      for (let n = 1; n <= head; ) {
        const lines = [];
        while (n <= head && lines.length < LINES_AT_ONCE) {
          lines.push(`{"offset":${n},"id":"${id(n)}","data":${payload(n++)}}`);
        }
        await write(lines);
      }
      if (isUsed) await write(usage(name, channel.epoch, head, id));
    }
    const messages = Object.values(logs).reduce((sum, head) => sum + head);
    await write([JSON.stringify({ line: "end", messages })]);
    await importing.finish();
  }

  /** Publishes messages with these numbers, and waits until they are stored. */
  async publish(channel, from, count) {
    this.#publisher ??= await Publisher.connect(this.port);
    await this.#publisher.publish(channel, from, count);
  }

  stop() {
    return this.end("SIGKILL");
  }

  /** Ends it, by default as a service manager does. */
  async end(signal = "SIGTERM") {
    this.#publisher?.close();
    await this.#child.stop(signal);
    rmSync(this.#data, { recursive: true, force: true });
  }
}

/** The lines of an export with the keys of a channel's messages, and the position of a client. */
function usage(name, epoch, head, id) {
  const key = (n) => JSON.stringify({ line: "key", key: `${name}-${n}`, offset: n, id: id(n) });
  const at = { epoch, offset: head, id: id(head), stored_ms: 1_700_000_000_000 };
  const position = JSON.stringify({ line: "position", user: "user", client: `of ${name}`, ...at });
  return [...Array.from({ length: head }, (_, i) => key(i + 1)), position];
}

/** A backend that publishes over a WebSocket. */
class Publisher {
  #socket;
  #answered = 0;
  #published = 0;
  #done = () => {};

  static async connect(port) {
    const publisher = new Publisher();
    const socket = new WebSocket(`ws://127.0.0.1:${port}/ws`, "seamline.v1");
    publisher.#socket = socket;
    await new Promise((resolve, reject) => {
      socket.on("open", () => socket.send('{"op":"hello","v":1,"client_id":"publisher"}'));
      socket.on("error", reject);
      socket.on("message", (text) => {
        const frame = JSON.parse(text);
        if (frame.op === "welcome") return resolve();
        if (frame.op !== "puback") return reject(new Error(`the publisher received ${text}`));
        publisher.#answered += 1;
        if (publisher.#answered === publisher.#published) publisher.#done();
      });
    });
    return publisher;
  }

  publish(ch, from, count) {
    const done = new Promise((resolve) => (this.#done = resolve));
    for (let n = from; n < from + count; n++) {
      this.#published += 1;
      this.#socket.send(`{"op":"pub","ch":"${ch}","key":"key-${this.#published}","data":${payload(n)}}`);
    }
    return done;
  }

  close() {
    this.#socket.terminate();
  }
}
