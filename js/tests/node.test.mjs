// Node, with its own WebSocket (22 and later), and with that of the package `ws` passed in, as earlier ones need it: a
// real socket to the stand-in server, or to the real one that SEAMLINE_SERVER names.
import assert from "node:assert/strict";
import { createServer } from "node:http";
import { test } from "node:test";
import { WebSocket } from "ws";
import { until } from "./support/server.mjs";
import { startServer } from "./support/ws-server.mjs";

/** A fresh copy of the package: the wasm is loaded once per copy. */
let copies = 0;
const fresh = () => import(`../dist/index.js?node${++copies}`);

/** Takes a global away for a test. */
function without(t, object, name) {
  const was = Object.getOwnPropertyDescriptor(object, name);
  Object.defineProperty(object, name, { value: undefined, configurable: true, writable: true });
  t.after(() => (was ? Object.defineProperty(object, name, was) : delete object[name]));
}

/** Follows a channel through three cuts; what the options lack is the runtime's own. */
async function throughCuts(t, options) {
  const server = await startServer();
  t.after(() => server.stop());
  const { connect } = await fresh();
  const client = connect(server.url(), { ...options, clientId: "node", backoff: { initialMs: 20, maxMs: 50 } });
  t.after(() => client.close());
  const seen = [];
  const channel = client.channel("c", { from: "start" });
  channel.on("message", ({ offset, data }) => void seen.push([offset, data]));
  await until(() => client.state.name === "open");
  for (let i = 1; i <= 3; i++) {
    await server.append("c", `live ${i}`);
    await server.cut();
    await until(() => client.stats().connects === i);
    await until(() => client.state.name === "waiting" || client.stats().connects > i);
    await server.append("c", `away ${i}`);
    await until(() => client.stats().connects === i + 1);
  }
  assert.equal((await channel.publish("mine")).offset, 7);
  await until(() => seen.length === 7);
  const expected = ["live 1", "away 1", "live 2", "away 2", "live 3", "away 3", "mine"];
  assert.deepEqual(
    seen,
    expected.map((data, i) => [i + 1, data]),
  );
  assert.equal(client.stats().gaps, 0);
}

test("`ws` receives each message once across cuts", async (t) => {
  without(t, globalThis, "WebSocket");
  await throughCuts(t, { WebSocket });
});

const none = globalThis.WebSocket ? false : "this runtime has no WebSocket of its own";
test("the runtime's WebSocket receives each message once across cuts", { skip: none }, (t) => throughCuts(t, {}));

test("`ws` retries while the server is unreachable", async () => {
  const server = await startServer();
  const url = server.url();
  await server.stop();
  const { connect } = await fresh();
  const client = connect(url, { WebSocket, backoff: { initialMs: 1, maxMs: 5 } });
  await until(() => client.state.name === "waiting" && client.state.attempt >= 3);
  assert.equal(client.state.reason.code, "connect_failed");
  client.close();
});

test("a constructor that throws is a failed attempt", async () => {
  const { connect } = await fresh();
  let made = 0;
  class Refuses {
    constructor() {
      made++;
      throw new Error("not today");
    }
  }
  const client = connect("ws://127.0.0.1:1/ws", { WebSocket: Refuses, backoff: { initialMs: 1, maxMs: 5 } });
  await until(() => made >= 3);
  await until(() => client.state.name === "waiting");
  assert.deepEqual([client.state.reason.code, client.state.reason.message], ["connect_failed", "not today"]);
  client.close();
});

/** The reason of the first failed attempt, with the package `ws`. */
async function firstReason(url) {
  const { connect } = await fresh();
  const client = connect(url, { WebSocket, logger: {} });
  await until(() => client.state.name === "waiting");
  client.close();
  return client.diagnostics().find(({ state }) => state?.name === "waiting").state.reason;
}

test("the reason contains the cause from `ws`", async (t) => {
  const http = createServer((_, response) => response.writeHead(401).end());
  http.on("upgrade", (_, socket) => socket.end("HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n"));
  await new Promise((resolve) => http.listen(0, "127.0.0.1", resolve));
  t.after(() => http.close());
  const { port } = http.address();
  const unused = createServer();
  await new Promise((resolve) => unused.listen(0, resolve));
  const nobody = unused.address().port;
  await new Promise((resolve) => unused.close(resolve));
  for (const [url, message] of [
    [`ws://127.0.0.1:${nobody}/ws`, /ECONNREFUSED/],
    [`ws://localhost:${nobody}/ws`, /ECONNREFUSED/], // several addresses: an error without a message
    [`ws://127.0.0.1:${port}/ws`, /Unexpected server response: 401/],
    [`wss://127.0.0.1:${port}/ws`, /SSL|EPROTO|TLS/],
  ]) {
    const reason = await firstReason(url);
    assert.equal(reason.code, "connect_failed", url);
    assert.match(reason.message, message, url);
  }
});

test("without a WebSocket the client names the option", async (t) => {
  without(t, globalThis, "WebSocket"); // Node 22 has one
  const { connect } = await fresh();
  for (const options of [{}, { dialect: "plain" }]) {
    const logged = [];
    const client = connect("ws://127.0.0.1:1/ws", {
      ...options,
      logger: { error: (...line) => logged.push(line.join(" ")) },
    });
    const states = [];
    client.on("state", ({ name }) => states.push(name));
    await until(() => client.state.name === "closed");
    assert.equal(client.state.reason.code, "no_websocket");
    assert.match(client.state.reason.message, /^WebSocket is missing; pass the option `WebSocket`$/);
    assert.deepEqual([states, logged], [["closed"], [`seamline: ${client.state.reason.message}`]]);
  }
});
