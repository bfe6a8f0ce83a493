// What begins while the wasm loads: the first attempt's socket opens, and the token function is called.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { plain } from "../dist/plain.js";
import { deferred, settled } from "./support/channel.mjs";
import { FakeServer, until } from "./support/server.mjs";

const bytes = await readFile(new URL("../dist/seamline.wasm", import.meta.url));
let copies = 0;

/** A client of a fresh copy of the package. Its wasm arrives when the test calls `load`, or fails when it calls `fail`. */
async function setUp(t, options = {}, extend = (Base) => Base) {
  const server = FakeServer.install();
  server.logs.set("c", ["a"]);
  const { connect } = await import(`../dist/slim.js?early${++copies}`);
  const { promise: wasm, resolve, reject: fail } = deferred();
  const WebSocket = extend(globalThis.WebSocket, () => client);
  const client = connect("ws://example.org/ws", {
    wasm,
    WebSocket,
    backoff: { initialMs: 1, maxMs: 5 },
    logger: {},
    ...options,
  });
  t.after(() => client.close());
  const reasons = [];
  client.on("state", ({ reason }) => reason && reasons.push(reason));
  const seen = [];
  if (options.dialect !== plain)
    client.channel("c", { from: "start" }).on("message", ({ data }) => void seen.push(data));
  return { server, client, reasons, seen, load: () => resolve(bytes), fail };
}

/** What the client closed each socket with, if it did. */
const closes = ({ sockets }) => sockets.map(({ closedWith }) => closedWith);

test("the socket opens while the wasm loads", async (t) => {
  const { server, client, seen, load } = await setUp(t);
  await until(() => server.sockets.length === 1);
  await settled();
  assert.deepEqual([server.sockets[0].protocol, server.received], ["seamline.v1", []]);
  load();
  await until(() => seen.length === 1);
  assert.deepEqual([closes(server), client.stats().connects], [[undefined], 1]);
});

test("a socket may still be opening when the wasm is there", async (t) => {
  const { server, seen, load } = await setUp(t, {}, (Base) => {
    return class extends Base {
      get onopen() {
        return this.opened;
      }
      set onopen(handler) {
        this.opened = undefined;
        this.open = () => handler?.({});
      }
    };
  });
  load();
  await until(() => server.sockets[0]?.open);
  for (let i = 0; i < 50; i++) await settled();
  server.sockets[0].open();
  await until(() => seen.length === 1);
  assert.equal(server.sockets.length, 1);
});

test("a later client of the page has its own socket", async (t) => {
  const { server, seen, load } = await setUp(t);
  load();
  await until(() => seen.length === 1);
  const { connect } = await import(`../dist/slim.js?early${copies}`);
  const second = connect("ws://example.org/ws", { wasm: bytes });
  await second.ready();
  second.close();
  assert.deepEqual(closes(server), [undefined, 1000]);
});

test("what arrives before the wasm is the first attempt's", async (t) => {
  const { server, client, reasons, load } = await setUp(t);
  await until(() => server.sockets.length === 1);
  await settled();
  server.send({ op: "err", code: "overloaded", message: "later", retry_after_ms: 60_000 });
  server.drop(4503, "busy");
  load();
  await until(() => reasons.length === 1);
  assert.deepEqual(reasons[0], { code: "connection_lost", message: "busy", closeCode: 4503 });
  assert.ok(client.state.retryAt > Date.now() + 30_000, "the pause that the server asked for");
  assert.equal(server.sockets.length, 1);
});

for (const [what, frame, count] of [
  ["many frames", "x", 2000],
  ["a large frame", "x".repeat(2_000_000), 1],
  ["a binary frame", new ArrayBuffer(1), 1],
]) {
  test(`${what} before the wasm close the socket`, async (t) => {
    const { server, reasons, seen, load } = await setUp(t);
    await until(() => server.sockets.length === 1);
    await settled();
    for (let i = 0; i < count; i++) server.sockets[0].onmessage?.({ data: frame });
    assert.deepEqual(closes(server), [1000]);
    load();
    await until(() => seen.length === 1);
    assert.equal(reasons.length, 1);
    assert.match(reasons[0].message, /too much before `hello`|not JSON/);
  });
}

test("a client closed in the same turn opens no socket", async (t) => {
  let calls = 0;
  const { server, client } = await setUp(t, { token: () => (calls++, null) });
  await settled();
  client.close();
  for (let i = 0; i < 2; i++) {
    client.connect();
    client.close();
  }
  for (let i = 0; i < 20; i++) await settled();
  assert.deepEqual([server.sockets.length, calls], [1, 1], "only those of the first turn");
});

test("a client closed before the wasm loads closes its socket", async (t) => {
  const { server, client, load } = await setUp(t);
  await until(() => server.sockets.length === 1);
  await client.close();
  assert.deepEqual(closes(server), [1000]);
  load();
  await settled();
  assert.equal(server.sockets.length, 1);
});

test("a wasm that fails closes the socket", async (t) => {
  const { server, client, fail } = await setUp(t);
  await until(() => server.sockets.length === 1);
  fail(new Error("no wasm"));
  await until(() => client.state.name === "closed");
  assert.deepEqual([closes(server), client.state.reason.code], [[1000], "wasm_failed"]);
});

test("while the wasm is fetched again, no socket waits", async (t) => {
  const fetches = t.mock.method(globalThis, "fetch", async () => {
    if (fetches.mock.callCount() === 0) throw new TypeError("offline");
    return new Response(bytes);
  });
  const { server, client, seen } = await setUp(t, { wasm: "https://example.org/x.wasm" });
  await until(() => client.state.name === "waiting");
  assert.deepEqual(closes(server), [1000]);
  await until(() => seen.length === 1);
  assert.deepEqual(closes(server), [1000, undefined]);
});

test("the socket does not wait for longer than 5 s", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const { server, seen, load } = await setUp(t);
  await settled();
  t.mock.timers.tick(4999);
  assert.deepEqual(closes(server), [undefined]);
  t.mock.timers.tick(1);
  assert.deepEqual(closes(server), [1000]);
  load();
  while (seen.length === 0) await settled();
  assert.deepEqual(closes(server), [1000, undefined]);
});

test("a constructor that throws is the failed first attempt", async (t) => {
  let count = 0;
  const { reasons, seen, load } = await setUp(t, {}, (Base) => {
    return class extends Base {
      constructor(...args) {
        if (++count < 3) throw new Error("not today");
        super(...args);
      }
    };
  });
  load();
  await until(() => seen.length === 1);
  assert.deepEqual(reasons, Array(2).fill({ code: "connect_failed", message: "not today", closeCode: 1006 }));
});

test("a constructor may close the client", async (t) => {
  const { server, client } = await setUp(t, {}, (Base, client) => {
    return class extends Base {
      constructor(...args) {
        super(...args);
        client().close();
      }
    };
  });
  await settled();
  assert.deepEqual([closes(server), client.state.name], [[1000], "closed"]);
});

test("the token function runs while the wasm loads, once", async (t) => {
  const calls = [];
  const token = (request) => {
    calls.push(request);
    return Promise.resolve("secret");
  };
  const { server, seen, load } = await setUp(t, { token });
  await until(() => calls.length === 1);
  load();
  await until(() => seen.length === 1);
  assert.deepEqual(calls, [{ refresh: false }]);
  assert.deepEqual(
    server.ops("hello").map((hello) => hello.token),
    ["secret"],
  );
});

test("a token that failed early is a failed attempt", async (t) => {
  let calls = 0;
  const token = async () => {
    if (++calls === 1) throw new Error("no session");
    return "secret";
  };
  const { server, reasons, seen, load } = await setUp(t, { token });
  await until(() => calls === 1);
  load();
  await until(() => seen.length === 1);
  assert.deepEqual([calls, reasons.map(({ code }) => code)], [2, ["token_failed"]]);
  assert.deepEqual(closes(server), [1000, undefined]);
});

test("a token function that is slow keeps no socket waiting", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const answer = deferred();
  let calls = 0;
  const { server, seen, load } = await setUp(t, { token: () => (calls++, answer.promise) });
  load();
  while (calls === 0) await settled();
  for (let i = 0; i < 20; i++) await settled();
  t.mock.timers.tick(6000);
  assert.deepEqual(closes(server), [1000]);
  answer.resolve("secret");
  while (seen.length === 0) await settled();
  assert.deepEqual([closes(server), calls], [[1000, undefined], 1]);
});

test("in the plain dialect, no socket opens before the wasm", async (t) => {
  const { server } = await setUp(t, { dialect: plain });
  for (let i = 0; i < 20; i++) await settled();
  assert.equal(server.sockets.length, 0);
});

test("without a WebSocket class the client ends as before", async (t) => {
  const { client } = await setUp(t, {}, () => {
    delete globalThis.WebSocket;
  });
  await until(() => client.state.name === "closed");
  assert.equal(client.state.reason.code, "no_websocket");
});
