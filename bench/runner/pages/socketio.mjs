import { io } from "socket.io-client";
import { Counter } from "./counter.mjs";
import { publishAll } from "./publisher.mjs";
import { recovery } from "./recorder.mjs";

const OPTIONS = { transports: ["websocket"] };
/** A lost connection is made again soon: how long a client waits before that is not what is measured. */
const SOON = { ...OPTIONS, reconnectionDelay: 50, reconnectionDelayMax: 100 };

async function open(url, options = OPTIONS) {
  const socket = io(url, options);
  await new Promise((resolve, reject) => socket.once("connect", resolve).once("connect_error", reject));
  return socket;
}

globalThis.bench = {
  async replay({ url, total, limitMs }) {
    const counter = new Counter(total, limitMs);
    const socket = await open(url);
    socket.on("message", (data) => counter.take(data));
    socket.emit("replay", total);
    return counter.done;
  },

  async publish({ url, name, total, limitMs }) {
    const socket = await open(url);
    return publishAll((data) => socket.emitWithAck("publish", name, data), total, limitMs);
  },

  ...recovery(async ({ url, name }, take) => {
    const socket = await open(url, SOON);
    socket.on("message", take);
    await socket.emitWithAck("join", name);
  }),
};
