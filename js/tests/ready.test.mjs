// `ready()` of clients and channels, and what `using` calls.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { connect } from "../dist/index.js";
import { FakeServer, until } from "./support/server.mjs";

const wasm = await readFile(new URL("../dist/seamline.wasm", import.meta.url));
const QUICK = { wasm, backoff: { initialMs: 1, maxMs: 5 }, logger: {} };

function setUp(t, options = {}) {
  const server = FakeServer.install();
  const client = connect("ws://example.org/ws", { ...QUICK, ...options });
  t.after(() => client.close());
  return { server, client };
}

test("ready() resolves when the connection opens", async (t) => {
  const { client } = setUp(t);
  const both = [client.ready(), client.ready()];
  assert.deepEqual(await Promise.all(both), [undefined, undefined]);
  assert.equal(client.state.name, "open");
  await client.ready();
});

test("ready() waits through failed attempts", async (t) => {
  const { server, client } = setUp(t);
  let attempts = 0;
  server.hello = () => (++attempts < 3 ? server.drop() : FakeServer.prototype.hello.call(server));
  await client.ready();
  assert.deepEqual([attempts, client.state.name], [3, "open"]);
});

test("ready() rejects with the reason when the client closes", async (t) => {
  const { server, client } = setUp(t);
  server.hello = () => server.drop(4403, "go away");
  const reason = { code: "forbidden", message: "go away", closeCode: 4403 };
  const expected = { name: "SeamlineError", code: "closed", message: "the client is closed: go away", cause: reason };
  await assert.rejects(client.ready(), expected);
  await assert.rejects(client.ready(), expected);
});

test("close() rejects a ready() that waits", async (t) => {
  const { client } = setUp(t);
  const ready = client.ready();
  client.close();
  await assert.rejects(ready, { code: "closed", message: "the client is closed: closed by the application" });
});

test("leaving the scope of `await using` closes the client", async (t) => {
  const { client } = setUp(t);
  await client.ready();
  await client[Symbol.asyncDispose]();
  assert.equal(client.state.name, "closed");
});

test("without the symbols, compilers' stand-ins are used", async (t) => {
  const Native = globalThis.Symbol;
  t.after(() => (globalThis.Symbol = Native));
  globalThis.Symbol = new Proxy((...args) => Native(...args), {
    get: (_, name) => (/dispose/i.test(String(name)) ? undefined : Native[name]),
  });
  const { connect } = await import("../dist/index.js?without-symbols");
  globalThis.Symbol = Native;
  FakeServer.install();
  const client = connect("ws://example.org/ws", QUICK);
  assert.equal(client[Symbol.asyncDispose], undefined);
  await client[Symbol.for("Symbol.asyncDispose")]();
  assert.equal(client.state.name, "closed");
});

test("a channel is ready after its replay", async (t) => {
  const { server, client } = setUp(t);
  server.logs.set("c", ["a", "b"]);
  const room = client.channel("c", { from: "start" });
  const seen = [];
  room.on("message", async ({ data }) => void seen.push(data));
  await room.ready();
  assert.deepEqual(seen, ["a", "b"]);
  server.sub = () => {};
  server.drop();
  await room.ready(); // it was live before
});

test("a channel without listeners can be ready", async (t) => {
  const { server, client } = setUp(t);
  await client.channel("c").ready();
  assert.equal(server.ops("sub").length, 1);
  await client.channel("c").ready(); // the subscription is live
  assert.equal(server.ops("sub").length, 1);
});

test("a channel's ready() rejects when handle or client closes", async (t) => {
  const { server, client } = setUp(t);
  server.sub = () => {};
  const [first, second] = [client.channel("c"), client.channel("c")];
  const waiting = [first.ready(), second.ready()];
  const error = { name: "SeamlineError", code: "closed", message: "the channel is closed" };
  first.close();
  await assert.rejects(waiting[0], error);
  await assert.rejects(first.ready(), error);
  client.close();
  await assert.rejects(waiting[1], error);
  await assert.rejects(second.ready(), error);
});

test("a channel's ready() rejects with the server's error", async (t) => {
  const { server, client } = setUp(t);
  server.sub = ({ ch, ref }) => server.send({ op: "err", ch, ref, code: "forbidden", message: "no" });
  const room = client.channel("c");
  const errors = [];
  room.on("error", ({ code }) => errors.push(code));
  await assert.rejects(room.ready(), { name: "SeamlineError", code: "forbidden", message: "no" });
  assert.deepEqual(errors, ["forbidden"]);
  await assert.rejects(client.channel("c").ready(), { code: "forbidden" }, "a later handle, too");
  delete server.sub;
  server.drop();
  await room.ready();
});

test("a listener that fails does not reject ready()", async (t) => {
  const { server, client } = setUp(t);
  server.logs.set("c", ["a"]);
  const room = client.channel("c", { from: "start" });
  room.on("message", () => {
    throw new Error("no");
  });
  await room.ready();
});

test("a channel's listener for once gets one message", async (t) => {
  const { server, client } = setUp(t);
  server.logs.set("c", ["a", "b"]);
  const room = client.channel("c", { from: "start" });
  const first = await new Promise((resolve) => room.once("message", ({ data }) => resolve(data)));
  const second = await new Promise((resolve) => room.once("message", ({ data }) => resolve(data)));
  assert.deepEqual([first, second], ["a", "b"]);
});

test("a signal removes a channel's listener", async (t) => {
  const { server, client } = setUp(t);
  server.logs.set("c", ["a"]);
  const abort = new AbortController();
  const room = client.channel("c", { from: "start" });
  const seen = [];
  room.on("message", ({ data }) => void seen.push(data), { signal: abort.signal });
  await room.ready();
  abort.abort();
  await room.publish("b");
  assert.deepEqual([seen, room.position.offset], [["a"], 1]);
});

test("an aborted signal does not subscribe", async (t) => {
  const { server, client } = setUp(t);
  await client.ready();
  client.channel("c").on("message", () => {}, { signal: AbortSignal.abort() });
  client.channel("d").once("live", () => {}, { signal: AbortSignal.abort() });
  await client.channel("e").ready();
  assert.deepEqual(
    server.ops("sub").map(({ ch }) => ch),
    ["e"],
  );
});

test("leaving the scope of `using` closes the handle", async (t) => {
  const { server, client } = setUp(t);
  const room = client.channel("c");
  await room.ready();
  room[Symbol.dispose]();
  await until(() => server.ops("unsub").length === 1);
  await assert.rejects(room.publish(1), { code: "closed" });
});
