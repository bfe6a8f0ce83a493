// How a client ends, with which reasons, and how it handles tokens.
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

test("close() ends channels and iterators and closes with 1000", async (t) => {
  const { server, client } = setUp(t);
  const channel = client.channel("c", { from: "start" });
  const next = channel[Symbol.asyncIterator]().next();
  await until(() => server.ops("sub").length === 1);
  client.close();
  const reason = { code: "closed_by_application", message: "closed by the application" };
  assert.deepEqual(client.state, { name: "closed", reason });
  assert.equal(server.sockets[0].closedWith, 1000);
  assert.deepEqual(await next, { value: undefined, done: true });
  client.close();
  assert.equal(server.sockets.length, 1);
});

test("close() inside a handler ends after that message", async (t) => {
  const { server, client } = setUp(t);
  server.logs.set("c", ["a", "b", "c"]);
  const seen = [];
  client.channel("c", { from: "start" }).on("message", ({ data }) => {
    seen.push(data);
    if (data === "b") client.close();
  });
  await until(() => client.state.name === "closed");
  assert.deepEqual(seen, ["a", "b"]);
  await until(() => server.ops("ack").at(-1)?.offset === 1);
  assert.equal(server.sockets[0].closedWith, 1000);
});

test("a random clientId is kept across connections", async (t) => {
  const { server, client } = setUp(t);
  await until(() => client.state.name === "open");
  server.drop();
  await until(() => server.ops("hello").length === 2);
  const [first, second] = server.ops("hello");
  assert.match(first.client_id, /^[0-9a-f]{32}$/);
  assert.equal(second.client_id, first.client_id);
});

for (const [closeCode, code] of [
  [4403, "forbidden"],
  [4009, "replaced"],
]) {
  test(`close code ${closeCode} ends the client`, async (t) => {
    const { server, client } = setUp(t);
    await until(() => client.state.name === "open");
    server.drop(closeCode, "go away");
    assert.deepEqual(client.state, { name: "closed", reason: { code, message: "go away", closeCode } });
  });
}

test("a rejected token is refreshed once", async (t) => {
  const asked = [];
  const { server, client } = setUp(t, {
    token: (request) => (asked.push(request), Promise.resolve(`t${asked.length}`)),
  });
  const { hello } = FakeServer.prototype;
  server.hello = ({ token }) => (token === "t1" ? server.drop(4401, "expired") : hello.call(server));
  await until(() => client.state.name === "open");
  assert.deepEqual(asked, [{ refresh: false }, { refresh: true }]);
  assert.deepEqual(
    server.ops("hello").map(({ token }) => token),
    ["t1", "t2"],
  );
  assert.ok(!server.sockets.some(({ url }) => url.includes("t1")), "never in the URL");
});

test("a rejected fresh token ends the client", async (t) => {
  const { server, client } = setUp(t, { token: () => "bad" });
  server.hello = () => server.drop(4401, "no");
  await until(() => client.state.name === "closed");
  assert.deepEqual(client.state.reason, { code: "unauthorized", message: "no", closeCode: 4401 });
  assert.equal(server.sockets.length, 2);
});

test("a failed token function is called again", async (t) => {
  let calls = 0;
  const { client } = setUp(t, {
    token: () => {
      if (++calls === 1) throw new Error("offline");
      return null;
    },
  });
  const reasons = [];
  client.on("state", ({ reason }) => reason && reasons.push(reason));
  await until(() => client.state.name === "open");
  assert.deepEqual(reasons, [{ code: "token_failed", message: "the token function failed: Error: offline" }]);
});

test("a token function may fail with any value", async (t) => {
  const failures = [Symbol("s"), Object.create(null), undefined, null, "offline"];
  const { client } = setUp(t, {
    token: () => (failures.length > 0 ? Promise.reject(failures.shift()) : "t"),
  });
  const reasons = [];
  client.on("state", ({ reason }) => reason && reasons.push(reason.message));
  await until(() => client.state.name === "open");
  const shown = ["Symbol(s)", "object", "undefined", "null", "offline"];
  assert.deepEqual(
    reasons,
    shown.map((text) => `the token function failed: ${text}`),
  );
});

test("rejections of listeners and loggers are caught", async (t) => {
  const logged = [];
  const logger = { error: async (...line) => (logged.push(String(line[1])), Promise.reject(new Error("logger"))) };
  const { server, client } = setUp(t, { logger });
  client.on("state", async ({ name }) => {
    throw new Error(name);
  });
  client.on("error", async () => {
    throw Symbol("error");
  });
  await until(() => client.state.name === "open");
  server.send({ op: "err", code: "odd", message: "something" });
  await until(() => logged.length === 3);
  assert.deepEqual(logged, ["Error: connecting", "Error: open", "Symbol(error)"]);
});

test("a state caused by a listener is emitted afterwards", async (t) => {
  t.mock.method(globalThis, "fetch", async () => {
    throw new TypeError("offline");
  });
  const { connect } = await import("../dist/index.js?states"); // a copy that has not loaded its wasm
  const client = connect("ws://example.org/ws", { wasm: "https://example.org/x.wasm", logger: {} });
  t.after(() => client.close());
  const emitted = [];
  client.on("state", ({ name }) => (emitted.push(`first ${name}`), name === "waiting" && client.close()));
  client.on("state", ({ name }) => emitted.push(`second ${name}`));
  await until(() => client.state.name === "closed");
  assert.deepEqual(emitted, ["first waiting", "second waiting", "first closed", "second closed"]);
});

test("close() inside a state listener keeps the order", async (t) => {
  const { server, client } = setUp(t);
  const emitted = [];
  client.on("state", ({ name }) => name === "waiting" && client.close());
  client.on("state", ({ name }) => emitted.push(name));
  await until(() => client.state.name === "open");
  server.drop();
  assert.deepEqual(emitted.slice(-3), ["open", "waiting", "closed"]);
});

test("failing client listeners do no harm", async (t) => {
  const { server, client } = setUp(t);
  const errors = [];
  const states = [];
  client.on("state", () => {
    throw new Error("no");
  });
  client.on("state", ({ name }) => states.push(name));
  client.on("error", () => {
    throw new Error("no");
  });
  client.on("error", (error) => errors.push(error.code));
  await until(() => client.state.name === "open");
  server.send({ op: "err", code: "odd", message: "something" });
  server.send({ op: "from_the_future", ch: 7 });
  assert.deepEqual([errors, states, client.state], [["odd"], ["connecting", "open"], { name: "open" }]);
});

test("a malformed frame is reported and causes a reconnect", async (t) => {
  const { server, client } = setUp(t);
  const errors = [];
  client.on("error", (error) => errors.push(error.code));
  await until(() => client.state.name === "open");
  server.send("nonsense");
  assert.equal(server.sockets[0].closedWith, 4400);
  await until(() => server.sockets.length === 2);
  assert.deepEqual(errors, ["bad_frame"]);
});
