// A TCP forwarder that limits the bytes per second in each direction and delays each of them: a slow link that never
// stops.
import { connect, createServer } from "node:net";
import { setTimeout as wait } from "node:timers/promises";

const STEPS_PER_SECOND = 20;
/** So much of what a busy machine has held up is made up for: the link has its speed, however late the steps are. */
const LATE_MS_MAX = 300;

export class SlowLink {
  #server = createServer((client) => this.#forward(client));
  #sockets = new Set();
  #target;
  #stepBytes;
  #delayMs;
  /** Connections that came. */
  connections = 0;

  /** @param {() => number} target the port to forward to */
  constructor(target, { bytesPerSecond, roundTripMs = 0 }) {
    this.#target = target;
    this.#stepBytes = Math.ceil(bytesPerSecond / STEPS_PER_SECOND);
    this.#delayMs = roundTripMs / 2;
  }

  async start() {
    await new Promise((resolve) => this.#server.listen(0, "127.0.0.1", resolve));
    this.port = this.#server.address().port;
    return this;
  }

  #forward(client) {
    this.connections++;
    // What lies in the forwarder's own buffer is on neither side's.
    const server = connect({ port: this.#target(), host: "127.0.0.1", highWaterMark: this.#stepBytes });
    const end = () => {
      for (const socket of [client, server]) {
        socket.destroy();
        this.#sockets.delete(socket);
      }
    };
    for (const socket of [client, server]) {
      this.#sockets.add(socket);
      socket.setNoDelay(true).on("error", end).on("close", end);
    }
    this.#carry(client, server).catch(end);
    this.#carry(server, client).catch(end);
  }

  async #carry(from, to) {
    let due = 0;
    for await (const chunk of from) {
      for (let at = 0; at < chunk.length; at += this.#stepBytes) {
        const step = chunk.subarray(at, at + this.#stepBytes);
        due = Math.max(due, Date.now() - LATE_MS_MAX) + 1000 / STEPS_PER_SECOND;
        await wait(Math.max(0, due - Date.now()));
        setTimeout(() => to.writable && to.write(step), this.#delayMs);
      }
    }
  }

  async stop() {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}
