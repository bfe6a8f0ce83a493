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

test("a lingering subscription makes room at the server's limit", async (t) => {
  const { server, client } = setUp(t);
  const answer = server.sub;
  let channels = 0;
  server.unsub = () => channels--;
  server.sub = ({ ch, ref, ...frame }) => {
    if (channels === 2) return server.send({ op: "err", code: "too_many_channels", message: "two", ch, ref });
    channels++;
    answer.call(server, { ch, ...frame });
  };
  const listen = (name) => {
    const room = client.channel(name, { from: "tail" });
    const seen = [];
    room.on("live", () => seen.push("live"));
    room.on("error", ({ code }) => seen.push(code));
    return { room, seen };
  };
  const old = ["a", "b"].map(listen);
  await until(() => old.every(({ seen }) => seen.includes("live")));
  for (const { room } of old) room.close();
  const [c, d] = ["c", "d"].map(listen);
  await until(() => c.seen.length > 0 && d.seen.length > 0);
  assert.deepEqual([c.seen, d.seen], [["live"], ["live"]]);
  assert.equal(server.ops("unsub").length, 2);
  const e = listen("e");
  await until(() => e.seen.length > 0);
  assert.deepEqual(e.seen, ["too_many_channels"]);
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

test("a late handle from the start gets a replay of its own", async (t) => {
  const { server, client } = setUp(t);
  server.logs.set("c", ["a", "b"]);
  const first = follow(client, { from: "start" });
  await until(() => first.seen.length === 2);
  const late = follow(client, { from: "start" });
  await until(() => late.seen.length === 2);
  await late.channel.publish("c");
  await until(() => first.seen.length === 3 && late.seen.length === 3);
  assert.deepEqual([first.seen, late.seen], Array(2).fill(["a", "b", "c"]));
  assert.equal(server.ops("sub").length, 2);
  await until(() => server.ops("ack").at(-1).offset === 3);
});

test("handles with different start points share a loading client", async (t) => {
  const { server, client } = setUp(t);
  server.logs.set("c", ["a", "b", "c"]);
  const positions = [2, 0, 3].map((offset) => follow(client, { from: { epoch: "e", offset } }));
  const start = follow(client, { from: "start" });
  const handles = [...positions, start];
  await until(() => start.seen.length === 3);
  start.channel.publish("d");
  await until(() => handles.every(({ seen }) => seen.at(-1) === "d"));
  assert.deepEqual(
    handles.map(({ seen }) => seen.join("")),
    ["cd", "abcd", "d", "abcd"],
  );
  assert.equal(server.ops("sub").length, 1);
});

test("a handle opened within a second continues", async (t) => {
  const { server, client } = setUp(t);
  const first = follow(client, { from: "tail" });
  await first.channel.publish("a");
  await until(() => first.seen.length === 1);
  first.channel.close();
  const second = follow(client);
  await second.channel.publish("b");
  await until(() => second.seen.length === 1);
  assert.deepEqual([first.seen, second.seen], [["a"], ["b"]]);
  assert.deepEqual([server.ops("sub").length, server.ops("unsub").length], [1, 0]);
  second.channel.close();
  await first.channel.publish("lost").catch(() => {});
  await client.channel("c").publish("c");
  const third = follow(client);
  await until(() => third.seen.length === 1);
  assert.deepEqual(third.seen, ["c"], "it came while nobody listened");
});

test("a replay of 5,000 messages is a few batches", async (t) => {
  const { server, client } = setUp(t);
  server.logs.set(
    "c",
    Array.from({ length: 5000 }, (_, i) => i),
  );
  server.sub = ({ ch, ref }) => {
    server.send({ op: "subd", ch, epoch: "e", first: 1, head: 5000, at: 0, ref, resumed: false });
    for (let from = 1; from <= 5000; from += 500) server.msgs(ch, from, from + 499, true);
    server.send({ op: "live", ch, head: 5000, ref });
  };
  const sizes = [];
  const room = client.channel("c", { from: "start" });
  room.on("batch", async (messages) => {
    sizes.push(messages.length);
    await new Promise((resolve) => setImmediate(resolve));
  });
  await until(() => room.position?.offset === 5000);
  assert.deepEqual(sizes, [500, 1000, 1000, 1000, 1000, 500]);
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
