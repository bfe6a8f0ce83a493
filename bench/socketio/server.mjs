// The server that Seamline's is measured beside: socket.io with connection state recovery, set up as its own
// documentation advises for production. Usage: node --expose-gc server.mjs PORT
import { createServer } from "node:http";
import process from "node:process";
import { Server } from "socket.io";

const BACKLOG = 4096; // all come back at once

const http = createServer();
const io = new Server(http, {
  transports: ["websocket"], // permessage-deflate is off by default
  serveClient: false,
  connectionStateRecovery: { maxDisconnectionDuration: 120_000, skipMiddlewares: true },
});

// "Discard the initial HTTP request", https://socket.io/docs/v4/memory-usage/
io.engine.on("connection", (connection) => {
  connection.request = null;
});

io.on("connection", (socket) => {
  socket.on("join", (channel, done) => {
    socket.join(channel);
    done();
  });
  socket.on("publish", (channel, message, done) => {
    io.to(channel).emit("message", message);
    done();
  });
});

// So that memory in use is measured, and not garbage.
process.on("SIGUSR2", () => globalThis.gc());

http.listen({ port: Number(process.argv[2]), host: "127.0.0.1", backlog: BACKLOG });
