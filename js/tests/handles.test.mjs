// Handles of one channel on the real wasm: they share one subscription on the wire.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { connect } from "../dist/index.js";
import { FakeServer, until } from "./support/server.mjs";

const wasm = await readFile(new URL("../dist/seamline.wasm", import.meta.url));

function setUp(t, options = {}) {
  const server = FakeServer.install();
  const client = connect("ws://example.org/ws", {
    wasm,
    ackIntervalMs: 0,
    backoff: { initialMs: 1, maxMs: 5 },
    logger: {},
    ...options,
  });
  t.after(() => client.close());
  return { server, client };
}

function follow(client, options, listener = () => {}) {
  const channel = client.channel("c", options);
  const seen = [];
  channel.on("message", (message) => (seen.push(message.data), listener(message)));
  return { channel, seen };
}

test("the last handle to close ends the subscription", async (t) => {
  const { server, client } = setUp(t);
  server.logs.set("c", ["a"]);
  const [one, other] = [follow(client, { from: "start" }), follow(client, { from: "start" })];
  await until(() => one.seen.length === 1 && other.seen.length === 1);
  one.channel.close();
  await other.channel.publish("b");
  await until(() => other.seen.length === 2);
  assert.deepEqual([one.seen, other.seen], [["a"], ["a", "b"]]);
  assert.deepEqual([server.ops("sub").length, server.ops("unsub").length], [1, 0]);
  other.channel.close();
  await until(() => server.ops("unsub").length === 1);
  follow(client, { from: "start" });
  await until(() => server.ops("sub").length === 2);
});

test("acknowledged is what every handle has processed", async (t) => {
  const { server, client } = setUp(t);
  server.logs.set("c", ["a", "b", "c"]);
  follow(client, { from: "start" });
  const slow = follow(client, { from: "start" }, ({ offset }) => offset === 2 && new Promise(() => {}));
  await until(() => server.ops("ack").length > 0);
  assert.deepEqual(server.ops("ack").at(-1).offset, 1);
  slow.channel.close();
  await until(() => server.ops("ack").at(-1).offset === 3);
});

test("handles survive a reconnect", async (t) => {
  const { server, client } = setUp(t);
  server.logs.set("c", ["a"]);
  const handles = [follow(client, { from: "start" }), follow(client, { from: "start" })];
  await until(() => handles.every(({ seen }) => seen.length === 1));
  server.drop();
  server.logs.get("c").push("b");
  await until(() => handles.every(({ seen }) => seen.length === 2));
  assert.deepEqual(
    handles.map(({ seen }) => seen),
    [
      ["a", "b"],
      ["a", "b"],
    ],
  );
});

test("a subscription is sent before later publications", async (t) => {
  const { server, client } = setUp(t);
  await until(() => client.state.name === "open");
  const { channel, seen } = follow(client, { from: "tail" });
  channel.publish("mine");
  await until(() => seen.length === 1);
  assert.deepEqual(
    server.received.slice(0, 3).map(({ op }) => op),
    ["hello", "sub", "pub"],
  );
});

test("channel options are copied at the call", async (t) => {
  const { server, client } = setUp(t);
  server.logs.set("c", ["a", "b", "c"]);
  const from = { epoch: "e", offset: 1, id: "1000-1" };
  const redeliver = { attempts: 2, delayMs: 0 };
  const channel = client.channel("c", { from, redeliver });
  Object.assign(from, { epoch: "x", offset: 2, id: "9-9" });
  redeliver.attempts = 1;
  const seen = [];
  channel.on("error", () => {});
  channel.on("message", ({ data }) => {
    seen.push(data);
    if (seen.length === 1) throw new Error("once");
  });
  await until(() => seen.length === 3);
  assert.deepEqual(seen, ["b", "b", "c"]);
  assert.deepEqual(server.ops("sub")[0].position, { epoch: "e", offset: 1, id: "1000-1" });
});

test("client options are copied at the call", async (t) => {
  const options = { token: "mine", clientId: "tab", backoff: { initialMs: 1, maxMs: 1 } };
  const { server, client } = setUp(t, options);
  // The client reads them when the wasm is there.
  const given = { wasm, logger: {}, ...options };
  const second = connect("ws://example.org/ws", given);
  Object.assign(given, { token: "theirs", clientId: "other" });
  given.backoff.initialMs = given.backoff.maxMs = 600_000;
  t.after(() => second.close());
  await until(() => server.ops("hello").length === 2);
  assert.deepEqual(
    server.ops("hello").map(({ token, client_id }) => [token, client_id]),
    Array(2).fill(["mine", "tab"]),
  );
  const waits = [];
  second.on("state", (state) => state.name === "waiting" && waits.push(state.retryAt - Date.now()));
  await until(() => second.state.name === "open" && client.state.name === "open");
  for (const socket of server.sockets) socket.onclose?.({ code: 1006, reason: "" });
  assert.ok(waits[0] <= 1);
});

test("handles that only publish are garbage-collected", async (t) => {
  setFlagsFromString("--expose-gc");
  const gc = runInNewContext("gc");
  const { server, client } = setUp(t);
  const publish = async (data) => {
    const channel = client.channel("c");
    await channel.publish(data);
    return new WeakRef(channel);
  };
  const handles = await Promise.all(Array.from({ length: 20 }, (_, i) => publish(i)));
  assert.deepEqual([server.ops("pub").length, server.ops("sub").length], [20, 0]);
  await until(() => (gc(), handles.every((handle) => handle.deref() === undefined)));
});

test("closing the client closes handles that never listened", async (t) => {
  const { client } = setUp(t);
  const channel = client.channel("c");
  await until(() => client.state.name === "open");
  client.close();
  for await (const _ of channel) assert.fail("nothing comes");
  channel.on("message", () => {});
  channel.cast(1);
  await assert.rejects(channel.publish(1, { key: "k" }), { code: "closed", message: /"k" to channel "c" failed: / });
});

test("a closed handle refuses publications", async (t) => {
  const { client } = setUp(t);
  const channel = client.channel("c");
  channel.close();
  const message = 'publication "k" to channel "c" failed: the channel is closed';
  await assert.rejects(channel.publish(1, { key: "k" }), { name: "SeamlineError", code: "closed", message });
});
