// A server of seamline.v1 on a port: the stand-in of `server.mjs` behind the package `ws`, or, where
// `SEAMLINE_SERVER` names one, the real server.
import { WebSocketServer } from "ws";
import { FakeServer } from "./server.mjs";

/** @returns {Promise<{url(): string, append(channel, data): Promise<void>, cut(): Promise<void>, stop(): Promise<void>}>} */
export async function startServer() {
  return process.env.SEAMLINE_SERVER ? real() : fake();
}

async function real() {
  const { Server } = await import("../../e2e/support/server.mjs");
  const { publish } = await import("../../e2e/support/publisher.mjs");
  const server = await new Server(["--demo"]).start();
  let keys = 0;
  return {
    url: () => `ws://127.0.0.1:${server.port}/ws`,
    append: async (channel, data) => void (await publish(() => server.url, channel, `key-${++keys}`, data)),

    cut: async () => void (await fetch(`${server.url}/debug/drop?client_id=node`, { method: "POST" })),
    stop: () => server.stop(),
  };
}

async function fake() {
  const server = new FakeServer();
  const listening = new WebSocketServer({ host: "127.0.0.1", port: 0, handleProtocols: () => "seamline.v1" });
  await new Promise((resolve) => listening.once("listening", resolve));
  listening.on("connection", (socket) => {
    server.sockets.push({ onmessage: ({ data }) => socket.send(data) });
    socket.on("message", (text) => {
      const frame = JSON.parse(text);
      server.received.push(frame);
      server[frame.op]?.(frame);
    });
  });
  const cut = () => {
    for (const socket of listening.clients) socket.terminate();
  };
  return {
    url: () => `ws://127.0.0.1:${listening.address().port}/ws`,
    append: async (channel, data) => {
      const offset = server.log(channel).push(data);
      server.msgs(channel, offset, offset);
    },
    cut: async () => cut(),
    stop: async () => {
      cut();
      await new Promise((resolve) => listening.close(resolve));
    },
  };
}
