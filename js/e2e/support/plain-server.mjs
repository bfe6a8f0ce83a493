// A stand-in for servers of the plain dialect: one conversation, a log, and every behavior that is expected of them, each
// of which can be switched on.
import { randomUUID } from "node:crypto";
import { createServer } from "node:http";
import { createRequire } from "node:module";

const { WebSocketServer } = createRequire(new URL("../../package.json", import.meta.url))("ws");

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

export const HABITS = {
  /** Messages have a `sequence_number`. */
  numbers: false,
  /** The older shape: the message in `message`, with a UUID for an id. */
  nested: false,
  /** The replay begins after `last_message_id`, not always at the start. */
  resumes: false,
  /** Each live message is sent twice: the local broadcast, and its own echo. */
  twice: true,
  /** How late a live message may be, each by itself; so they come out of order. */
  jitterMs: 50,
  /** Live messages are sent while the replay is, not after it. */
  overtakes: false,
  /** How long the server reads its log, after it has registered the client: what comes then comes twice. */
  readMs: 10,
  /** A pause after every so many replayed messages, so that a cut may fall into a replay. */
  pauseEvery: 100,
  /** Numbers that it forgets. */
  skips: [],
};

export class PlainServer {
  #http = createServer((_, response) => response.writeHead(404).end());
  #ws = new WebSocketServer({ noServer: true });
  #clients = new Set();
  #lastMs = 0;
  #seq = 0;
  /** All messages, in order. */
  log = [];
  /** The requests that came, as URLs. */
  requests = [];
  /** What clients have sent. */
  received = [];
  cuts = 0;
  cutsDuringReplay = 0;
  /** How to answer a request for this URL: "401" refuses the upgrade, "close" accepts and closes without a code. */
  refuse = () => undefined;

  constructor(habits = {}) {
    this.habits = { ...HABITS, ...habits };
  }

  async start() {
    this.#http.on("upgrade", (request, socket, head) => this.#upgrade(request, socket, head));
    await new Promise((resolve) => this.#http.listen(0, "127.0.0.1", resolve));
    this.url = `ws://127.0.0.1:${this.#http.address().port}/ws?conversation_id=c1&user_id=u1`;
    return this;
  }

  #upgrade(request, socket, head) {
    const url = new URL(request.url, "http://server");
    this.requests.push(url);
    const refusal = this.refuse(url);
    if (refusal === "401") return socket.end("HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n");
    this.#ws.handleUpgrade(request, socket, head, (ws) => {
      ws.on("error", () => {});
      if (refusal === "close") return ws.close();
      void this.#serve(ws, url);
    });
  }

  /** The steps of a connection: register first, then read, then send, then pass on what is live. */
  async #serve(ws, url) {
    const client = { ws, waiting: [], replaying: true };
    this.#clients.add(client);
    ws.on("close", () => this.#clients.delete(client));
    ws.on("message", (data) => this.received.push(JSON.parse(String(data))));
    await sleep(this.habits.readMs * Math.random());
    const after = this.habits.resumes ? url.searchParams.get("last_message_id") : null;
    const replay = this.log.filter(({ id }) => !after || compare(id, after) > 0);
    await sleep(this.habits.readMs * Math.random());
    for (const [i, message] of replay.entries()) {
      this.#send(client, message);
      if (i % this.habits.pauseEvery === this.habits.pauseEvery - 1) await sleep(1);
    }
    client.replaying = false;
    for (const message of client.waiting) this.#send(client, message);
  }

  #send(client, { number, text }) {
    if (!this.habits.skips.includes(number)) client.ws.send(text);
  }

  /** Appends a message, and hands it to the live path. */
  publish() {
    const ms = Date.now();
    this.#seq = ms === this.#lastMs ? this.#seq + 1 : 0;
    this.#lastMs = ms;
    const message = { id: `${ms}-${this.#seq}`, uuid: randomUUID(), number: this.log.length + 1 };
    message.text = JSON.stringify(this.#shape(message));
    this.log.push(message);
    for (const client of this.#clients) {
      for (let copies = this.habits.twice ? 2 : 1; copies > 0; copies--) {
        setTimeout(() => {
          if (client.replaying && !this.habits.overtakes) client.waiting.push(message);
          else this.#send(client, message);
        }, Math.random() * this.habits.jitterMs);
      }
    }
    return message;
  }

  #shape({ id, uuid, number }) {
    const numbered = this.habits.numbers ? { sequence_number: number } : {};
    if (this.habits.nested) {
      return { type: "message", conversation_id: "c1", message: { id: uuid, sender_id: "u2", ...numbered } };
    }
    const timestamp = new Date().toISOString();
    return {
      stream_id: id,
      conversation_id: "c1",
      type: "message.new",
      timestamp,
      user_id: "u1",
      id: uuid,
      sender_id: "u2",
      ...numbered,
    };
  }

  /** Sends an object to everyone. */
  broadcast(object) {
    for (const { ws } of this.#clients) ws.send(typeof object === "string" ? object : JSON.stringify(object));
  }

  /** Cuts every connection, without a close frame. */
  cut() {
    for (const client of this.#clients) {
      this.cuts++;
      if (client.replaying) this.cutsDuringReplay++;
      client.ws.terminate();
    }
    this.#clients.clear();
  }

  get connections() {
    return this.#clients.size;
  }

  async stop() {
    this.cut();
    this.#http.closeAllConnections();
    await new Promise((resolve) => this.#http.close(resolve));
  }
}

/** Ids as pairs of numbers. */
function compare(a, b) {
  const [x, y] = [a, b].map((id) => id.split("-").map(Number));
  return x[0] - y[0] || x[1] - y[1];
}
