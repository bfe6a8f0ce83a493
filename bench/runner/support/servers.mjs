// The servers that pages connect to. Each is started when it is first needed, and stays until the part is over.
import { fileURLToPath } from "node:url";
import { Mosquitto, Nats } from "./brokers.mjs";
import { Child } from "./children.mjs";
import { SeamlineServer } from "./seamline.mjs";

const script = (name) => fileURLToPath(new URL(`../servers/${name}.mjs`, import.meta.url));

/** A server that is a script of `bench/runner/servers`. */
class ScriptServer {
  #child;

  static async start(name, peers) {
    const server = new ScriptServer();
    const env = { ...process.env, PEERS: peers, NODE_ENV: "production" };
    server.#child = await Child.start(process.execPath, ["--expose-gc", script(name)], { env });
    return server;
  }

  get port() {
    return this.#child.port;
  }

  get pid() {
    return this.#child.pid;
  }

  async publish(_channel, from, count) {
    await this.#child.write(`publish ${from} ${count}\n`);
  }

  stop() {
    return this.#child.stop();
  }
}

const ws = (port) => `ws://127.0.0.1:${port}/`;

/** By kind: how a server is started, and the URL that its client connects to. */
const KINDS = {
  seamline: {
    start: ({ binary, logs, args, isUsed }) => SeamlineServer.start(binary, logs, args, [], isUsed),
    url: (port) => `ws://127.0.0.1:${port}/ws`,
  },
  raw: { start: ({ peers }) => ScriptServer.start("raw", peers), url: ws },
  socketio: { start: ({ peers }) => ScriptServer.start("socketio", peers), url: ws },
  centrifuge: { start: ({ peers }) => ScriptServer.start("centrifuge", peers), url: ws },
  nats: { start: (options) => Nats.start(options), url: ws },
  "nats-sync": { start: (options) => Nats.start({ ...options, sync: "always" }), url: ws },
  mqtt: { start: (options) => Mosquitto.start(options), url: ws },
};

export class Servers {
  #running = new Map();

  /** The server of that kind, which is started once for each `key`. */
  get(kind, key, options) {
    const name = `${kind} ${key}`;
    if (!this.#running.has(name)) this.#running.set(name, startServer(kind, options));
    return this.#running.get(name);
  }

  async stop() {
    for (const server of this.#running.values()) await (await server).stop();
    this.#running.clear();
  }
}

export const startServer = (kind, options) => KINDS[kind].start(options);
export const urlOf = (kind, port) => KINDS[kind].url(port);
