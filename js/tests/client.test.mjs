// The client on its real wasm, in Node, against a stand-in for the server.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { connect } from "../dist/index.js";
import { FakeServer, until } from "./support/server.mjs";

const wasm = await readFile(new URL("../dist/seamline.wasm", import.meta.url));
const QUICK = { wasm, clientId: "tab", ackIntervalMs: 0, backoff: { initialMs: 1, maxMs: 5 }, logger: {} };

function setUp(t, options = {}) {
  const server = FakeServer.install();
  const client = connect("ws://example.org/ws", { ...QUICK, ...options });
  const states = [];
  client.on("state", (state) => states.push(state));
  t.after(() => client.close());
  return { server, client, states };
}

const open = (client) => until(() => client.state.name === "open");

test("connecting sends hello and opens", async (t) => {
  const { server, client, states } = setUp(t);
  assert.deepEqual(client.state, { name: "connecting" });
  await open(client);
  assert.equal(server.sockets[0].protocol, "seamline.v1");
  assert.deepEqual(server.received, [{ op: "hello", v: 1, client_id: "tab", ordered: true }]);
  assert.deepEqual(states, [{ name: "connecting" }, { name: "open" }]);
});

test("messages in both replay and live stream arrive once", async (t) => {
  const { server, client } = setUp(t);
  server.logs.set("c", ["a", "b", "c"]);
  server.sub = ({ ch }) => {
    server.send({ op: "subd", ch, epoch: "e", first: 1, head: 3, at: 0, resumed: false });
    server.log(ch).push("d", "e");
    server.msgs(ch, 4, 5); // live, ahead of the replay
    server.msgs(ch, 1, 4, true);
    server.send({ op: "live", ch, head: 4 });
    server.msgs(ch, 3, 5); // live, overlapping
  };
  const emitted = [];
  const channel = client.channel("c", { from: "start" });
  channel.on("live", () => emitted.push("live"));
  channel.on("message", ({ offset, data }) => void emitted.push(`${offset}${data}`));
  await until(() => client.stats().received === 9);
  assert.deepEqual(emitted, ["1a", "2b", "3c", "4d", "5e", "live"]);
  const ahead = { ahead: 32_000, ahead_bytes: 8_388_608 };
  assert.deepEqual(server.ops("sub"), [{ op: "sub", ch: "c", credit: 2000, ...ahead, from: "start", ref: 1 }]);
  const { delivered, duplicates, gaps } = client.stats();
  assert.deepEqual({ delivered, duplicates, gaps }, { delivered: 5, duplicates: 4, gaps: 0 });
  assert.deepEqual(channel.position, { epoch: "e", offset: 5, id: "1000-5" });
});

test("the client resumes at its position after a cut", async (t) => {
  const { server, client, states } = setUp(t);
  server.logs.set("c", ["a", "b"]);
  const seen = [];
  client.channel("c", { from: "start" }).on("message", ({ data }) => void seen.push(data));
  await until(() => seen.length === 2);
  server.drop();
  server.logs.get("c").push("c");
  await until(() => seen.length === 3);
  assert.deepEqual(seen, ["a", "b", "c"]);
  assert.deepEqual(server.ops("sub")[1].position, { epoch: "e", offset: 2, id: "1000-2" });
  const waiting = states.find(({ name }) => name === "waiting");
  assert.deepEqual(waiting.reason, { code: "connection_lost", message: "the connection was lost", closeCode: 1006 });
  assert.ok(waiting.attempt === 1 && Math.abs(waiting.retryAt - Date.now()) < 60_000);
});

test("trimmed messages are a gap before later messages", async (t) => {
  const { server, client } = setUp(t);
  server.logs.set("c", ["a", "b", "c", "d"]);
  server.sub = ({ ch }) => {
    server.send({ op: "subd", ch, epoch: "e", first: 4, head: 4, at: 3, resumed: false });
    server.msgs(ch, 4, 4, true);
    server.send({ op: "live", ch, head: 4 });
  };
  const emitted = [];
  const channel = client.channel("c", { from: { epoch: "e", offset: 1 } });
  channel.on("gap", (gap) => void emitted.push(gap));
  channel.on("message", ({ data }) => void emitted.push(data));
  await until(() => emitted.length === 2);
  assert.deepEqual(emitted, [{ from: 2, to: 3, reason: "trimmed" }, "d"]);
});

test("only processed messages are acknowledged", async (t) => {
  const { server, client } = setUp(t);
  server.logs.set("c", ["a", "b", "c"]);
  client.channel("c", { from: "start" }).on("message", ({ offset }) => offset === 3 && new Promise(() => {}));
  await until(() => server.ops("ack").length > 0);
  assert.deepEqual(server.ops("ack"), [{ op: "ack", ch: "c", epoch: "e", offset: 2, id: "1000-2" }]);
});

test("close() inside a handler acknowledges earlier messages", async (t) => {
  const { server, client } = setUp(t, { ackIntervalMs: 60_000 });
  server.logs.set("c", ["a", "b", "c"]);
  const channel = client.channel("c", { from: "start" });
  channel.on("message", ({ offset }) => {
    if (offset === 3) channel.close();
  });
  await until(() => server.ops("unsub").length > 0);
  assert.deepEqual(server.ops("ack"), [{ op: "ack", ch: "c", epoch: "e", offset: 2, id: "1000-2" }]);
});

test("publish() keeps its key across a cut", async (t) => {
  const { server, client } = setUp(t);
  const channel = client.channel("c");
  await open(client);
  server.pub = () => {};
  const published = channel.publish({ text: "hi" }, { key: "k" });
  await until(() => server.ops("pub").length === 1);
  delete server.pub;
  server.drop();
  assert.deepEqual(await published, { id: "1000-1", offset: 1 });
  assert.deepEqual(server.ops("pub"), Array(2).fill({ op: "pub", ch: "c", key: "k", data: { text: "hi" } }));
  assert.deepEqual(server.ops("sub"), [], "who only publishes subscribes to nothing");
});

test("before connecting, publications wait and casts are dropped", async (t) => {
  const { server, client } = setUp(t);
  const channel = client.channel("c");
  const data = { n: 1 };
  const published = channel.publish(data);
  data.n = 2;
  channel.cast("typing");
  assert.equal((await published).offset, 1);
  assert.deepEqual(server.log("c"), [{ n: 1 }], "as it was at the call");
  assert.match(server.ops("pub")[0].key, /^[0-9a-f]{32}$/);
  assert.deepEqual(server.ops("cast"), []);
  channel.cast({ typing: true });
  await until(() => server.ops("cast").length === 1);
  assert.deepEqual(server.ops("cast"), [{ op: "cast", ch: "c", data: { typing: true } }]);
});

test("cast() throws for what cannot be sent", async (t) => {
  const { server, client } = setUp(t);
  const channel = client.channel("c");
  await open(client);
  assert.throws(() => channel.cast(undefined), { code: "bad_data" });
  assert.throws(() => channel.cast(1n), {
    name: "SeamlineError",
    code: "bad_data",
    message: "invalid payload: TypeError: Do not know how to serialize a BigInt; pass a JSON value",
  });
  assert.throws(() => channel.cast("x".repeat(2000)), { code: "too_large" });
  assert.deepEqual(server.ops("cast"), []);
});

test("each refused publication has its code", async (t) => {
  const { server, client } = setUp(t, { outboxMessages: 1 });
  const channel = client.channel("c");
  await open(client);
  await assert.rejects(channel.publish(undefined), { code: "bad_data" });
  await assert.rejects(channel.publish(1n), { code: "bad_data" });
  const cycle = {};
  cycle.self = cycle;
  const message = "invalid payload: TypeError: Converting circular structure to JSON; pass a JSON value";
  await assert.rejects(channel.publish(cycle), { code: "bad_data", message });
  const cause = new Error("no");
  const toJSON = () => {
    throw cause;
  };
  await assert.rejects(channel.publish({ toJSON }), {
    code: "bad_data",
    message: "invalid payload: Error: no; pass a JSON value",
    cause,
  });
  await assert.rejects(channel.publish(1, { key: "" }), { code: "bad_key" });
  await assert.rejects(channel.publish("x".repeat(2000)), { code: "too_large" });
  server.pub = ({ ch, key }) => server.send({ op: "pubnack", ch, key, code: "no_way", message: "never" });
  const failed = 'publication "k" to channel "c" failed: never';
  await assert.rejects(channel.publish(1, { key: "k" }), { name: "SeamlineError", code: "no_way", message: failed });
  server.pub = () => {};
  const waits = channel.publish(1);
  await assert.rejects(channel.publish(2), { code: "outbox_full" });
  client.close();
  await assert.rejects(waits, { code: "closed" });
  await assert.rejects(channel.publish(3), { code: "closed" });
});

test("a deeply nested payload is published or refused", async (t) => {
  const { server, client } = setUp(t);
  server.hello = () => server.send({ op: "welcome", session: "s", heartbeat_ms: 25_000, max_frame_bytes: 1e9 });
  server.pub = ({ ch, key }) => server.send({ op: "puback", ch, key, id: "1000-1", offset: 1 });
  const channel = client.channel("c");
  await open(client);
  const nested = (depth) => {
    let value = 1;
    for (let i = 0; i < depth; i++) value = [value];
    return value;
  };
  const fits = (depth) => {
    try {
      return JSON.stringify(nested(depth)) !== "";
    } catch {
      return false;
    }
  };
  let [low, high] = [1, 2];
  while (fits(high)) [low, high] = [high, high * 2];
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (fits(middle)) low = middle;
    else high = middle;
  }
  // What fits at the call may not fit in a deeper call, inside the wasm.
  const outcomes = new Set();
  for (let less = 0; less < 600; less += 5) {
    const payload = nested(low + 20 - less);
    channel.cast(1);
    outcomes.add(
      await channel.publish(payload).then(
        () => "published",
        (error) => error.code,
      ),
    );
    try {
      channel.cast(payload);
    } catch (error) {
      assert.deepEqual([error.code, error.cause.name], ["bad_data", "RangeError"]);
    }
  }
  assert.deepEqual([...outcomes].sort(), ["bad_data", "published"]);
});
