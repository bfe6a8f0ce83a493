// A TCP forwarder between the page and the server. It cuts connections at once, after a number of bytes from the server
// (which may be in the middle of a frame), or in the next replay frame. Or it stops forwarding in one direction, silently.
import { connect, createServer } from "node:net";

export class TcpProxy {
  #server = createServer((client) => this.#forward(client));
  #pairs = new Set();
  #target;
  /** Connections cut so far, and how many of them while the server was sending a replay. */
  cuts = 0;
  cutsDuringReplay = 0;
  /** Connections that came; and attempts, which may have been refused. */
  connections = 0;
  attempts = 0;
  /** While true, connections are refused. */
  refusing = false;
  /** Called for each new connection with the pair, whose `cutAfter` or `cutInReplay` may then be set. */
  onConnection = () => {};

  /** @param {() => number} target the port to forward to, asked for each connection */
  constructor(target) {
    this.#target = target;
  }

  async start() {
    await new Promise((resolve) => this.#server.listen(0, "127.0.0.1", resolve));
    this.port = this.#server.address().port;
    return this;
  }

  #forward(client) {
    this.attempts++;
    if (this.refusing) return client.destroy();
    this.connections++;
    const server = connect(this.#target(), "127.0.0.1");
    const pair = { client, server, cutAfter: Infinity, cutInReplay: false, replaying: false, silent: undefined };
    this.#pairs.add(pair);
    this.onConnection(pair);
    const end = () => {
      client.destroy();
      server.destroy();
      this.#pairs.delete(pair);
    };
    for (const socket of [client, server]) socket.setNoDelay(true).on("error", end).on("close", end);
    client.on("data", (chunk) => pair.silent === "toServer" || server.write(chunk));
    server.on("data", (chunk) => {
      if (pair.silent === "toClient") return;
      // Frames from the server are not masked, so their content is readable.
      const text = chunk.toString("latin1");
      if (text.includes('"replay":true')) pair.replaying = true;
      if (pair.replaying && pair.cutInReplay) pair.cutAfter = 1 + Math.random() * (chunk.length - 1);
      const rest = pair.cutAfter - chunk.length;
      if (rest > 0) {
        pair.cutAfter = rest;
        client.write(chunk);
      } else {
        client.write(chunk.subarray(0, pair.cutAfter), () => this.#cut(pair));
        pair.cutAfter = Infinity;
        return;
      }
      if (text.includes('"op":"live"')) pair.replaying = false;
    });
  }

  #cut(pair) {
    if (!this.#pairs.delete(pair)) return;
    this.cuts++;
    if (pair.replaying) this.cutsDuringReplay++;
    pair.client.resetAndDestroy();
    pair.server.destroy();
  }

  /** The connections that are open. */
  get open() {
    return this.#pairs.size;
  }

  /** From now on nothing gets through `toClient` or `toServer`, on the connections that are open. */
  silence(direction) {
    for (const pair of this.#pairs) pair.silent = direction;
  }

  /** Cuts everything now. */
  cut() {
    for (const pair of [...this.#pairs]) this.#cut(pair);
  }

  async stop() {
    this.refusing = true;
    this.cut();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}
