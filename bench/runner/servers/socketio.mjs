// socket.io with connection state recovery, set up as its own documentation advises for production.
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { setImmediate } from "node:timers/promises";
import { payload } from "../support/message.mjs";
import { serve } from "./lines.mjs";

const { Server } = createRequire(`${process.env.PEERS}/package.json`)("socket.io");

/** How many messages of a replay are emitted before the server does something else. */
const REPLAYED_AT_ONCE = 64;
/** How many bytes may wait for a socket meanwhile. */
const WAITING_BYTES_MAX = 1_000_000;

const http = createServer();
const io = new Server(http, {
  transports: ["websocket"], // permessage-deflate is off by default
  serveClient: false,
  cors: { origin: true },
  connectionStateRecovery: { maxDisconnectionDuration: 120_000, skipMiddlewares: true },
});

// "Discard the initial HTTP request", https://socket.io/docs/v4/memory-usage/
io.engine.on("connection", (connection) => {
  connection.request = null;
});

io.on("connection", (socket) => {
  if (socket.handshake.auth.first) socket.emit("message", JSON.parse(payload(1)));
  socket.on("replay", (total) => replay(socket, total));
  socket.on("join", (channel, done) => {
    socket.join(channel);
    done();
  });
  socket.on("publish", (channel, message, done) => {
    io.to(channel).emit("message", message);
    done();
  });
});

async function replay(socket, total) {
  const { _socket: tcp } = socket.conn.transport.socket;
  for (let n = 1; n <= total && socket.connected; n++) {
    socket.emit("message", JSON.parse(payload(n)));
    if (n % REPLAYED_AT_ONCE > 0) continue;
    do await setImmediate();
    while (tcp.writableLength > WAITING_BYTES_MAX && socket.connected);
  }
}

// So that memory in use is measured, and not garbage.
process.on("SIGUSR2", () => globalThis.gc());

serve(http, (n) => io.to("bench").emit("message", JSON.parse(payload(n))));
