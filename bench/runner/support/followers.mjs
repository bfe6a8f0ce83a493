// Many clients of a server in this process: the least that a client must do, so that the server is what works.
import { createRequire } from "node:module";

const { WebSocket } = createRequire(new URL("../../../js/package.json", import.meta.url))("ws");

const CONNECTING_MAX = 50;
const PATIENCE_MS = 120_000;
const CREDIT = 1_000_000_000;

/** The number of the first message in a frame of Seamline. */
const FIRST = /"data":\[\{"n":(\d+)/;

/** By kind: the URL, what a client sends first, and what a frame is: an answer to send, ready, or messages. */
const PROTOCOLS = {
  seamline: {
    url: (port) => [`ws://127.0.0.1:${port}/ws`, "seamline.v1"],
    hello: (number, channels) => [
      `{"op":"hello","v":1,"client_id":"follower-${number}"}`,
      ...channels.map((ch) => JSON.stringify({ op: "sub", ch, credit: CREDIT, from: "tail" })),
    ],
    read(frame) {
      if (frame.startsWith('{"op":"live"')) return { ready: 1 };
      const [, ids] = /^\{"op":"msgs".*?"ids":\[([^\]]*)\]/.exec(frame.slice(0, 20_000)) ?? [];
      return ids === undefined ? {} : { messages: ids.split(",").length, first: () => FIRST.exec(frame)?.[1] };
    },
  },
  raw: {
    url: (port) => [`ws://127.0.0.1:${port}/`],
    hello: () => ['{"op":"follow"}'],
    ready: true,
    read: () => ({ messages: 1 }),
  },
  socketio: {
    url: (port) => [`ws://127.0.0.1:${port}/socket.io/?EIO=4&transport=websocket`],
    hello: () => [],
    read(frame) {
      if (frame.startsWith("0")) return { answer: "40" };
      if (frame.startsWith("40")) return { answer: '420["join","bench"]' };
      if (frame.startsWith("430")) return { ready: 1 };
      if (frame === "2") return { answer: "3" };
      return { messages: 1 };
    },
  },
};

export class Followers {
  messages = 0;
  frames = 0;
  /** Is called with the number of the first message in each frame. Only Seamline's have one. */
  onMessage;
  #sockets = [];
  #ready = 0;
  #failed;

  /** @param {string[][]} channels which channels each client follows; others than Seamline's all follow the same */
  static async connect(kind, port, channels) {
    const followers = new Followers();
    for (let i = 0; i < channels.length; i += CONNECTING_MAX) {
      const some = channels.slice(i, i + CONNECTING_MAX);
      await Promise.all(some.map((names, j) => followers.#connect(PROTOCOLS[kind], port, i + j, names)));
    }
    await followers.#until("are subscribed", () => followers.#ready, channels.flat().length);
    return followers;
  }

  #connect(protocol, port, number, channels) {
    const socket = new WebSocket(...protocol.url(port), { perMessageDeflate: false });
    this.#sockets.push(socket);
    socket.on("error", (error) => (this.#failed = error));
    socket.on("message", (data) => {
      const { answer, ready = 0, messages = 0, first } = protocol.read(data.toString());
      if (answer) socket.send(answer);
      this.#ready += ready;
      this.messages += messages;
      if (messages > 0) this.frames += 1;
      if (first) this.onMessage?.(Number(first()));
    });
    return new Promise((resolve, reject) => {
      socket.once("error", reject);
      socket.once("open", () => {
        for (const frame of protocol.hello(number, channels)) socket.send(frame);
        if (protocol.ready) this.#ready += 1;
        resolve();
      });
    });
  }

  /** Waits until all together have received so many. */
  have(messages) {
    return this.#until("have their messages", () => this.messages, messages);
  }

  async #until(what, count, wanted) {
    for (
      const end = Date.now() + PATIENCE_MS;
      count() < wanted;
      await new Promise((resolve) => setTimeout(resolve, 5))
    ) {
      if (this.#failed) throw this.#failed;
      if (Date.now() > end) throw new Error(`waited in vain until all ${what}: ${count()} of ${wanted}`);
    }
  }

  close() {
    for (const socket of this.#sockets) socket.terminate();
  }
}
