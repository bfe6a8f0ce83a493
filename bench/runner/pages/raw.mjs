// A WebSocket, and nothing else.
import { Counter } from "./counter.mjs";
import { measureLatency } from "./latency.mjs";
import { publishAll } from "./publisher.mjs";
import { recovery } from "./recorder.mjs";

async function open(url) {
  const socket = new WebSocket(url);
  await new Promise((resolve, reject) => {
    socket.onopen = resolve;
    socket.onerror = () => reject(new Error(`cannot connect to ${url}`));
  });
  return { socket, send: (frame) => socket.send(JSON.stringify(frame)) };
}

globalThis.bench = {
  async replay({ url, perFrame, total, limitMs }) {
    const counter = new Counter(total, limitMs);
    const { socket, send } = await open(url);
    const one = ({ data }) => counter.take(JSON.parse(data).data);
    const many = ({ data }) => {
      for (const message of JSON.parse(data)) counter.take(message.data);
    };
    socket.onmessage = perFrame === 1 ? one : many;
    send({ op: "replay", total, perFrame });
    return counter.done;
  },

  async publish({ url, total, limitMs }) {
    const { socket, send } = await open(url);
    const waiting = new Map();
    socket.onmessage = ({ data }) => {
      const { key } = JSON.parse(data);
      waiting.get(key)();
      waiting.delete(key);
    };
    let key = 0;
    const publish = (data) =>
      new Promise((resolve) => {
        waiting.set(++key, resolve);
        send({ op: "pub", key, data });
      });
    return publishAll(publish, total, limitMs);
  },

  latency({ url, ...options }) {
    return measureLatency(options, async (take) => {
      const { socket, send } = await open(url);
      socket.onmessage = ({ data }) => {
        const message = JSON.parse(data);
        if (message.op !== "ack") take(message.data);
      };
      send({ op: "follow" });
      return (data) => send({ op: "pub", key: data.n, data });
    });
  },

  ...recovery(async ({ url }, take) => {
    const { socket, send } = await open(url);
    socket.onmessage = ({ data }) => take(JSON.parse(data).data);
    send({ op: "follow" });
  }),
};
