// Draws reconnect.svg, and reconnect-narrow.svg for phones, from a real run: two clients receive the same messages, and
// both lose their connection.
//
//   SEAMLINE_SERVER=target/debug/seamline-server node docs/images/reconnect.mjs
//
// One client is Seamline's, with its server. The other is a WebSocket that reconnects, with a server that broadcasts. It
// needs js/node_modules and js/dist (cargo xtask pack).
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { connect } from "../../js/dist/index.js";
import { TcpProxy } from "../../js/e2e/support/proxy.mjs";
import { publish } from "../../js/e2e/support/publisher.mjs";
import { Server } from "../../js/e2e/support/server.mjs";
import { WebSocket, WebSocketServer } from "../../js/node_modules/ws/wrapper.mjs";
import { draw, NARROW, WIDE } from "./draw.mjs";

const MESSAGES = 40;
const INTERVAL_MS = 100;
/** When there is no connection. */
const CUT = { from: 1250, to: 2550 };
/** How long the clients wait before they reconnect. */
const RETRY_MS = 200;
/** How long the clients have for the last messages. */
const SETTLE_MS = 1500;

/** A WebSocket that reconnects, and nothing more. */
function follow(url, onText) {
  let socket;
  let isClosed = false;
  const open = () => {
    socket = new WebSocket(url);
    socket.on("message", (data) => onText(String(data)));
    socket.on("error", () => {});
    socket.on("close", () => isClosed || setTimeout(open, RETRY_MS));
  };
  open();
  return () => {
    isClosed = true;
    socket.close();
  };
}

const server = await new Server().start();
const broadcaster = new WebSocketServer({ port: 0, host: "127.0.0.1" });
await once(broadcaster, "listening");
const links = [new TcpProxy(() => server.port), new TcpProxy(() => broadcaster.address().port)];
for (const link of links) await link.start();

function setConnected(isConnected) {
  for (const link of links) {
    link.refusing = !isConnected;
    if (!isConnected) link.cut();
  }
}

const run = { published: [], plain: [], seamline: [], cut: CUT };
let started = 0;
const at = () => Math.round(performance.now() - started);

const backoff = { initialMs: RETRY_MS, maxMs: RETRY_MS };
const client = connect(`ws://127.0.0.1:${links[0].port}/ws`, { WebSocket, backoff });
const room = client.channel("room-1", { from: "start" });
room.on("message", ({ data: number, replayed }) => run.seamline.push({ number, at: at(), replayed }));
const stop = follow(`ws://127.0.0.1:${links[1].port}/`, (text) =>
  run.plain.push({ number: JSON.parse(text), at: at() }),
);
while (client.state.name !== "open" || broadcaster.clients.size === 0) await sleep(20);

started = performance.now();
setTimeout(() => setConnected(false), CUT.from);
setTimeout(() => setConnected(true), CUT.to);
for (let number = 1; number <= MESSAGES; number += 1) {
  await sleep(started + number * INTERVAL_MS - performance.now());
  run.published.push({ number, at: at() });
  for (const socket of broadcaster.clients) socket.send(JSON.stringify(number));
  await publish(() => server.url, "room-1", `message-${number}`, number);
}
await sleep(SETTLE_MS);

const numbers = (lane) => lane.map(({ number }) => number).join();
if (numbers(run.seamline) !== numbers(run.published)) throw new Error(`delivered: ${numbers(run.seamline)}`);
writeFileSync(fileURLToPath(new URL("./reconnect.svg", import.meta.url)), draw(run, WIDE));
writeFileSync(fileURLToPath(new URL("./reconnect-narrow.svg", import.meta.url)), draw(run, NARROW));
console.log(`WebSocket: ${run.plain.length} of ${MESSAGES}; Seamline: ${run.seamline.length} of ${MESSAGES}`);

stop();
await client.close();
for (const link of links) await link.stop();
broadcaster.close();
await server.stop();
