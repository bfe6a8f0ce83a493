// A WebSocket server without a library on top: the least that a server must do.
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { payload } from "../support/message.mjs";
import { serve } from "./lines.mjs";

const { WebSocketServer } = createRequire(`${process.env.PEERS}/package.json`)("ws");

/** How many frames are written before the server waits until the socket has taken them. */
const FRAMES_IN_FLIGHT = 64;
const followers = new Set();

const http = createServer();
const server = new WebSocketServer({ server: http, perMessageDeflate: false });

server.on("connection", (socket, { url }) => {
  socket.on("error", () => {});
  socket.on("close", () => followers.delete(socket));
  if (url === "/first") socket.send(message(1, payload(1)));
  socket.on("message", (text) => {
    const frame = JSON.parse(text);
    if (frame.op === "replay") replay(socket, frame);
    if (frame.op === "follow") followers.add(socket);
    if (frame.op === "pub") {
      broadcast(JSON.stringify(frame.data));
      socket.send(JSON.stringify({ op: "ack", key: frame.key }));
    }
  });
});

const message = (n, data) => `{"id":"${1_700_000_000_000 + n}-0","offset":${n},"data":${data}}`;
let offset = 0;

function broadcast(data) {
  offset += 1;
  const text = message(offset, data);
  for (const follower of followers) follower.send(text);
}

/** By the number of messages: the frames of a replay. They are made once, so that a replay costs nothing but its bytes. */
const replays = new Map();

function framesOf(total, perFrame) {
  const key = `${total} ${perFrame}`;
  if (replays.has(key)) return replays.get(key);
  const messages = Array.from({ length: total }, (_, i) => message(i + 1, payload(i + 1)));
  const frames = [];
  for (let i = 0; i < total; i += perFrame) frames.push(`[${messages.slice(i, i + perFrame)}]`);
  replays.set(key, perFrame === 1 ? messages : frames);
  return replays.get(key);
}

async function replay(socket, { total, perFrame }) {
  for (const [i, text] of framesOf(total, perFrame).entries()) {
    if (i % FRAMES_IN_FLIGHT < FRAMES_IN_FLIGHT - 1) socket.send(text);
    else if (await new Promise((resolve) => socket.send(text, resolve))) return; // it was closed
  }
}

serve(http, (n) => broadcast(payload(n)));
