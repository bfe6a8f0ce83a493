// A stand-in for Centrifugo, which npm does not have: it answers `connect` and `subscribe` of its JSON protocol, and then
// sends one publication. It does nothing else, so it answers at least as soon as the real one.
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { payload } from "../support/message.mjs";
import { serve } from "./lines.mjs";

const { WebSocketServer } = createRequire(`${process.env.PEERS}/package.json`)("ws");

const http = createServer();
const server = new WebSocketServer({ server: http, perMessageDeflate: false });

server.on("connection", (socket) => {
  socket.on("error", () => {});
  socket.on("message", (text) => {
    // Commands share a frame, one on each line.
    for (const line of String(text).split("\n").filter(Boolean)) socket.send(answer(JSON.parse(line)));
  });
});

function answer({ id, connect, subscribe }) {
  if (connect) return JSON.stringify({ id, connect: { client: "stand-in", version: "0", ping: 25, pong: true } });
  if (!subscribe) return "{}";
  const { channel } = subscribe;
  const publication = { push: { channel, pub: { data: JSON.parse(payload(1)) } } };
  return [{ id, subscribe: {} }, publication].map((reply) => JSON.stringify(reply)).join("\n");
}

serve(http, () => {});
