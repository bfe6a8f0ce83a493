// A client that is closed and opened again with `connect()`.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { connect } from "../dist/index.js";
import { FakeServer, until } from "./support/server.mjs";

const wasm = await readFile(new URL("../dist/seamline.wasm", import.meta.url));
const QUICK = { wasm, ackIntervalMs: 0, backoff: { initialMs: 1, maxMs: 5 }, logger: {} };
const LONG_MS = 600_000;

function setUp(t, options = {}) {
  const server = FakeServer.install();
  const client = connect("ws://example.org/ws", { ...QUICK, ...options });
  const states = [];
  client.on("state", ({ name }) => states.push(name));
  t.after(() => client.close());
  return { server, client, states };
}

test("a closed client opens again with its listeners", async (t) => {
  const { server, client, states } = setUp(t);
  await client.ready();
  await client.close();
  client.connect();
  assert.deepEqual(client.state, { name: "connecting" });
  await client.ready();
  assert.deepEqual(states, ["connecting", "open", "closed", "connecting", "open"]);
  assert.equal(server.sockets.length, 2);
});

test("a reopened client has the same random clientId", async (t) => {
  const { server, client } = setUp(t);
  await client.ready();
  await client.close();
  client.connect();
  await client.ready();
  const [first, second] = server.ops("hello");
  assert.match(first.client_id, /^[0-9a-f]{32}$/);
  assert.equal(second.client_id, first.client_id);
});

test("a reopened client is the same page load", async (t) => {
  const items = {};
  const storage = { getItem: (key) => items[key] ?? null, setItem: (key, value) => void (items[key] = value) };
  Object.defineProperty(globalThis, "sessionStorage", { configurable: true, value: storage });
  t.after(() => delete globalThis.sessionStorage);
  const { server, client } = setUp(t, { clientId: "tab" });
  await client.ready();
  await client.close();
  client.connect();
  await client.ready();
  const [first, second] = server.ops("hello");
  assert.match(items["seamline:tab"], /^[0-9a-z]{16}$/);
  assert.deepEqual(second, first);
});

test("handles stay closed, and new ones of the same name work", async (t) => {
  const { server, client } = setUp(t);
  const seen = [];
  const old = client.channel("c", { from: "start" });
  old.on("message", ({ data }) => void seen.push(`old ${data}`));
  await until(() => server.ops("sub").length === 1);
  await client.close();
  client.connect();
  client.channel("c", { from: "start" }).on("message", ({ data }) => void seen.push(`new ${data}`));
  await client.channel("c").publish("a");
  await until(() => seen.length > 0);
  assert.deepEqual(seen, ["new a"]);
  await assert.rejects(old.publish("b"), { code: "closed", message: /the channel is closed$/ });
});

test("a new handle continues although the last acknowledgement was lost", async (t) => {
  const { server, client } = setUp(t, { ackIntervalMs: LONG_MS });
  const seen = [];
  const listen = () => client.channel("c").on("message", ({ data }) => void seen.push(data));
  listen();
  for (const data of ["a", "b"]) await client.channel("c").publish(data);
  await until(() => seen.length === 2);
  server.drop();
  await client.close();
  server.logs.get("c").push("c");
  client.connect();
  listen();
  await until(() => seen.length === 3);
  assert.deepEqual(seen, ["a", "b", "c"]);
  assert.deepEqual(server.ops("ack"), []);
});

test("a handle that was closed before the first message continues", async (t) => {
  const { server, client } = setUp(t);
  const seen = [];
  const listen = () => {
    const room = client.channel("c");
    room.on("message", ({ data }) => void seen.push(data));
    return room;
  };
  await listen().ready();
  await client.close();
  server.log("c").push("a");
  client.connect();
  listen();
  await until(() => seen.length === 1);
  assert.deepEqual(seen, ["a"]);
});

test("counters and diagnostics continue", async (t) => {
  const { client } = setUp(t);
  await client.channel("c").publish(1);
  await client.close();
  const before = client.stats();
  client.connect();
  assert.deepEqual(client.stats(), before);
  await client.channel("c").publish(2);
  const { connects, published } = client.stats();
  assert.deepEqual({ connects, published }, { connects: 2, published: 2 });
  const names = client.diagnostics().map(({ state }) => state.name);
  assert.deepEqual(names, ["connecting", "open", "closed", "connecting", "open"]);
});

test("the token function is called as for the first connection", async (t) => {
  const asked = [];
  const { server, client } = setUp(t, { token: (request) => (asked.push(request), `t${asked.length}`) });
  await client.ready();
  await client.close();
  client.connect();
  await client.ready();
  assert.deepEqual(asked, [{ refresh: false }, { refresh: false }]);
  assert.equal(server.ops("hello")[1].token, "t2");
});

test("connect() changes nothing while the client is not closed", async (t) => {
  const { server, client, states } = setUp(t);
  client.connect();
  await client.ready();
  client.connect();
  server.drop();
  client.connect();
  await until(() => states.filter((name) => name === "open").length === 2);
  assert.deepEqual(states, ["connecting", "open", "waiting", "connecting", "open"]);
  assert.equal(server.sockets.length, 2);
});

test("connect() cancels a close that waits for publications", async (t) => {
  const { server, client, states } = setUp(t);
  const old = client.channel("c");
  await client.ready();
  server.pub = () => {};
  const published = old.publish("a");
  await until(() => server.ops("pub").length === 1);
  const closed = client.close({ flushMs: LONG_MS });
  await assert.rejects(client.ready(), { code: "closed" });
  client.connect();
  await closed;
  await client.ready();
  FakeServer.prototype.pub.call(server, server.ops("pub")[0]);
  assert.equal((await published).offset, 1);
  const seen = [];
  client.channel("c", { from: "start" }).on("message", ({ data }) => void seen.push(data));
  await until(() => seen.length === 1);
  assert.deepEqual([states, server.sockets.length], [["connecting", "open"], 1]);
  await client.close();
  assert.equal(client.state.name, "closed");
});

test("close() after a canceled close waits for its own time", async (t) => {
  const { server, client } = setUp(t);
  await client.ready();
  server.pub = () => {};
  const published = client.channel("c").publish("a");
  await until(() => server.ops("pub").length === 1);
  client.close({ flushMs: 1 });
  client.connect();
  const closed = client.close({ flushMs: LONG_MS });
  await new Promise((resolve) => setTimeout(resolve, 20));
  assert.equal(client.state.name, "open");
  client.close();
  await closed;
  await assert.rejects(published, { code: "closed" });
});

test("connect() inside a state listener opens again", async (t) => {
  const { server, client, states } = setUp(t);
  await client.ready();
  let ready;
  client.once("state", ({ name }) => {
    assert.equal(name, "closed");
    client.connect();
    ready = client.ready();
  });
  await client.close();
  await ready;
  assert.deepEqual(states, ["connecting", "open", "closed", "connecting", "open"]);
  assert.deepEqual([server.sockets.length, server.sockets[0].closedWith], [2, 1000]);
});

test("close() and connect() inside a state listener keep the order", async (t) => {
  const { server, client, states } = setUp(t);
  await client.ready();
  let ready;
  client.once("state", () => {
    client.close();
    client.connect();
    ready = client.ready();
  });
  server.drop();
  await ready;
  assert.deepEqual(states, ["connecting", "open", "waiting", "closed", "connecting", "open"]);
  assert.equal(server.sockets.length, 2);
});

test("close() and connect() inside a message listener lose nothing", async (t) => {
  const { server, client, states } = setUp(t);
  server.logs.set("c", ["a", "b", "c"]);
  const seen = [];
  let position;
  const room = client.channel("c", { from: "start" });
  room.on("message", ({ data }) => {
    seen.push(data);
    if (data !== "b") return;
    position = { epoch: "e", offset: 2 };
    client.close();
    client.connect();
    client.channel("c", { from: position }).on("message", ({ data }) => void seen.push(`new ${data}`));
  });
  await until(() => seen.length === 3);
  assert.deepEqual(seen, ["a", "b", "new c"]);
  assert.deepEqual(states, ["connecting", "open", "closed", "connecting", "open"]);
  assert.deepEqual(server.ops("ack")[0].offset, 1);
  assert.equal(server.sockets[0].closedWith, 1000);
});

for (const place of ["WebSocket's constructor", "WebSocket's send()", "token function"]) {
  test(`close() and connect() inside the ${place} open once`, async (t) => {
    const server = FakeServer.install();
    let reopened = 0;
    const reopen = (at) => {
      if (at !== place || reopened++) return;
      client.close();
      client.connect();
    };
    class Own extends globalThis.WebSocket {
      constructor(...args) {
        super(...args);
        reopen("WebSocket's constructor");
      }
      send(text) {
        super.send(text);
        reopen("WebSocket's send()");
      }
    }
    const token = () => (reopen("token function"), "t");
    const client = connect("ws://example.org/ws", { ...QUICK, WebSocket: Own, token });
    t.after(() => client.close());
    const states = [];
    client.on("state", ({ name }) => states.push(name));
    await until(() => reopened > 0);
    await client.ready();
    assert.deepEqual(states.slice(-3), ["closed", "connecting", "open"]);
    await client.channel("c").publish(1);
    const open = server.sockets.filter(({ closedWith }) => closedWith === undefined);
    assert.equal(open.length, 1);
  });
}

test("a client that the server ended opens again", async (t) => {
  const { server, client } = setUp(t);
  await client.ready();
  server.drop(4403, "go away");
  const error = await client.ready().catch((error) => error);
  assert.equal(error.code, "closed");
  client.connect();
  await client.ready();
  assert.equal(client.state.name, "open");
});

test("a listener that always opens again does not stop the page", async (t) => {
  const { client } = setUp(t);
  delete globalThis.WebSocket;
  const { connect } = await import("../dist/index.js?always");
  const failing = connect("ws://example.org/ws", QUICK);
  let closes = 0;
  const off = failing.on("state", ({ name }) => {
    if (name !== "closed") return;
    closes++;
    failing.connect();
  });
  await until(() => closes > 3);
  off();
  failing.close();
  client.close();
});

test("a client may be closed and opened many times at once", async (t) => {
  await setUp(t).client.ready(); // the wasm is loaded
  const { server, client } = setUp(t);
  for (let i = 0; i < 20; i++) {
    const closed = client.close();
    client.connect();
    await closed;
  }
  await client.ready();
  await client.channel("c").publish(1);
  assert.deepEqual([server.sockets.length, client.stats().connects], [1, 1]);
});
