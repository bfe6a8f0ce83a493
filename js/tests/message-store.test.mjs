// The list of messages below the framework entries (src/frameworks/), without a framework.
import assert from "node:assert/strict";
import { test } from "node:test";
import { connect } from "../dist/index.js";
import { createTestServer } from "../dist/testing.js";
import { random } from "./support/log-server.mjs";
import { left } from "./support/memory.mjs";
import { connected } from "./support/scenarios.mjs";
import { until } from "./support/server.mjs";
import { source } from "./support/source.mjs";

const { ChannelRef, MessageStore, Publisher } = await source(
  "frameworks/channel-ref",
  "frameworks/outbox",
  "frameworks/store",
);

/** A list of the channel "c", and what it notified of. */
function list(client, options = { from: "start" }) {
  const store = new MessageStore(client, "c", options);
  const snapshots = [];
  const subscribe = () => store.subscribe(() => snapshots.push(store.getSnapshot()));
  const data = () => store.getSnapshot().messages.map((message) => message.data);
  return { store, snapshots, subscribe, data };
}

test("a list that returns continues at its position", async (t) => {
  const { server, client } = connected(t);
  server.logs.set("c", ["a", "b"]);
  const { store, subscribe, data } = list(client);
  const stop = subscribe();
  await until(() => store.getSnapshot().isLive);
  stop();
  assert.equal(store.getSnapshot().isLive, false);
  await client.channel("c").publish("c");
  assert.deepEqual(data(), ["a", "b"]);
  t.after(subscribe());
  await until(() => data().length === 3);
  assert.deepEqual([data(), store.getSnapshot().gaps], [["a", "b", "c"], []]);
});

/** Three lists that come and go, on a connection that breaks; every step is drawn from the seed. */
async function comeAndGo(seed) {
  const { below } = random(seed);
  const server = createTestServer();
  const client = connect("ws://test/", {
    WebSocket: server.WebSocket,
    backoff: { initialMs: 1, maxMs: 5 },
    logger: {},
  });
  const lists = [1, 2, 3].map(() => ({ ...list(client, { from: "start", limit: 1000 }), stop: undefined }));
  const toggle = (one) => (one.stop = one.stop ? one.stop() : one.subscribe());
  for (let i = 1; i <= 100; i++) {
    const action = below(8);
    if (action < 3) toggle(lists[below(lists.length)]);
    else if (action < 4) server.disconnect();
    else server.publish("c", i);
    if (below(3) === 0) await new Promise((resolve) => setTimeout(resolve, below(4)));
  }
  for (const one of lists) if (!one.stop) toggle(one);
  const log = server.messages("c").map(({ data }) => data);
  await until(() => lists.every(({ data }) => data().length >= log.length));
  for (const { data, store } of lists) assert.deepEqual([data(), store.getSnapshot().gaps], [log, []]);
  for (const { stop } of lists) stop();
  await client.close();
}

test("lists that come and go at random miss nothing", async () => {
  for (let seed = 1; seed <= 20; seed++) await comeAndGo(seed);
});

test("listeners of one list share a handle", async (t) => {
  const { server, client } = connected(t);
  server.logs.set("c", ["a"]);
  const { store, subscribe, data } = list(client);
  const stops = [subscribe(), subscribe()];
  await until(() => store.getSnapshot().isLive);
  stops[0]();
  stops[0](); // a second call changes nothing
  await client.channel("c").publish("b");
  await until(() => data().length === 2);
  assert.equal(server.ops("sub").length, 1);
  stops[1]();
  await until(() => server.ops("unsub").length === 1);
});

test("a snapshot keeps its identity until it changes", async (t) => {
  const { server, client } = connected(t);
  server.logs.set("c", ["a"]);
  const { store, subscribe, snapshots } = list(client);
  t.after(subscribe());
  await until(() => store.getSnapshot().isLive);
  const before = store.getSnapshot();
  assert.equal(store.getSnapshot(), before);
  await client.channel("c").publish("b");
  await until(() => store.getSnapshot() !== before);
  const after = store.getSnapshot();
  assert.equal(after.messages[0], before.messages[0]);
  assert.equal(after.gaps, before.gaps);
  assert.equal(snapshots.at(-1), after);
});

test("a listener that throws does not stop the others", async (t) => {
  const { client } = connected(t);
  const logged = t.mock.method(console, "error", () => {});
  const { store, snapshots } = list(client);
  const publisher = new Publisher(client, "c");
  const seen = [];
  for (const of of [store, publisher]) {
    const fail = () => {
      throw new Error("no");
    };
    t.after(of.subscribe(fail));
  }
  t.after(store.subscribe(() => snapshots.push(store.getSnapshot())));
  t.after(publisher.subscribe(() => seen.push(publisher.getSnapshot().length)));
  publisher.publish("a");
  await until(() => snapshots.at(-1)?.messages.length === 1);
  assert.deepEqual([seen.at(0), seen.at(-1)], [1, 0]);
  const [line, error] = logged.mock.calls[0].arguments;
  assert.deepEqual([line, error.message], ["seamline: a listener failed:", "no"]);
});

test("a list keeps the newest messages, and their gaps", async (t) => {
  const { server, client } = connected(t);
  server.logs.set("c", ["a", "b", "c", "lost", "d"]);
  server.sub = ({ ch }) => {
    server.send({ op: "subd", ch, epoch: "e", first: 1, head: 5, at: 0, resumed: false });
    server.msgs(ch, 1, 3, true);
    server.msgs(ch, 5, 5, true);
    server.msgs(ch, 5, 5, true); // the repair brings nothing
    server.send({ op: "live", ch, head: 5 });
  };
  const { store, subscribe, data } = list(client, { from: "start", limit: 3 });
  t.after(subscribe());
  await until(() => store.getSnapshot().isLive);
  assert.deepEqual(data(), ["b", "c", "d"]);
  assert.deepEqual(store.getSnapshot().gaps, [{ from: 4, to: 4, reason: "hole", after: "1000-3" }]);
  await client.channel("c").publish("e");
  await until(() => data().at(-1) === "e");
  assert.equal(store.getSnapshot().gaps.length, 1);
  await client.channel("c").publish("f");
  await until(() => data().at(-1) === "f");
  assert.deepEqual([data(), store.getSnapshot().gaps], [["d", "e", "f"], []]);
});

test("memory is bounded while a list does not notify", async (t) => {
  const listeners = {};
  const on = (event, listener) => ((listeners[event] = listener), () => {});
  const client = { state: { name: "open" }, on: () => () => {}, channel: () => ({ on, close: () => {} }) };
  const { store, subscribe } = list(client, { limit: 2 });
  const timer = t.mock.method(globalThis, "setTimeout", () => {}); // the pause after the first notification never ends
  t.after(subscribe());
  await undefined;
  const arrive = (offset) => {
    const message = { id: `1000-${offset}`, offset, data: offset };
    listeners.batch([message]);
    return new WeakRef(message);
  };
  const arrived = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10].map(arrive);
  timer.mock.restore();
  assert.deepEqual(store.getSnapshot().messages, []);
  assert.equal(await left(arrived.slice(0, -4), { withinMs: 2000 }), 0);
});

test("a refused channel is the list's error until it is live", async (t) => {
  const { server, client } = connected(t);
  const { sub } = server;
  server.sub = ({ ch, ref }) => server.send({ op: "err", ch, ref, code: "forbidden", message: "not yours" });
  const { store, subscribe } = list(client);
  t.after(subscribe());
  await until(() => store.getSnapshot().error);
  assert.equal(store.getSnapshot().error.code, "forbidden");
  server.sub = sub;
  server.drop();
  await until(() => store.getSnapshot().isLive);
  assert.equal(store.getSnapshot().error, undefined);
});

test("a late list begins at the start, and the others stay", async (t) => {
  const { server, client } = connected(t);
  server.logs.set("c", ["a", "b"]);
  const tail = list(client, { from: "tail" });
  t.after(tail.subscribe());
  await until(() => tail.store.getSnapshot().isLive);
  await client.channel("c").publish("c");
  await until(() => tail.data().length === 1);
  const start = list(client);
  t.after(start.subscribe());
  await until(() => start.store.getSnapshot().isLive);
  await client.channel("c").publish("d");
  await until(() => start.data().length === 4 && tail.data().length === 2);
  assert.deepEqual(
    [start.data(), tail.data()],
    [
      ["a", "b", "c", "d"],
      ["c", "d"],
    ],
  );
  assert.ok(tail.snapshots.slice(-1)[0].isLive);
});

test("a payload that `validate` rejects is an error, and no message", async (t) => {
  const { server, client } = connected(t);
  server.logs.set("c", ["a", 1, "b"]);
  const validate = (value) =>
    typeof value === "string" ? { value: value.toUpperCase() } : { issues: [{ message: "no" }] };
  const schema = { "~standard": { version: 1, vendor: "test", validate } };
  const { store, subscribe, data } = list(client, { from: "start", validate: schema });
  t.after(subscribe());
  await until(() => store.getSnapshot().isLive);
  assert.deepEqual(data(), ["A", "B"]);
  const publisher = new Publisher(client, "c");
  publisher.publish(2);
  await until(() => store.getSnapshot().error?.message.includes("1000-4"));
  assert.equal(store.getSnapshot().error.code, "invalid_data");
  await until(() => publisher.getSnapshot().length === 0); // its message will not be in the list
  await client.channel("c").publish("c");
  await until(() => data().length === 3);
});

test("a list on a closed client opens with the client", async (t) => {
  const { server, client } = connected(t);
  server.logs.set("c", ["a"]);
  await client.close();
  const { store, subscribe, snapshots, data } = list(client);
  const before = store.getSnapshot();
  assert.deepEqual(before, { messages: [], gaps: [], isLive: false, error: undefined });
  t.after(subscribe());
  await until(() => snapshots.length === 1); // once, because React may have missed a change
  assert.equal(snapshots[0], before);
  client.connect();
  await until(() => store.getSnapshot().isLive);
  assert.deepEqual(data(), ["a"]);
});

test("a list without a client stays empty", () => {
  const { store, subscribe } = list(undefined);
  subscribe()();
  assert.deepEqual(store.getSnapshot().messages, []);
  assert.throws(() => new Publisher(undefined, "c").publish("a"), /cannot publish or cast: there is no client;/);
});

test("an unusable limit is named", () => {
  for (const limit of [0, -1, Number.NaN]) {
    assert.throws(() => list(undefined, { limit }), new RegExp(`invalid option "limit": ${limit}; pass a number`));
  }
});

test("a channel's listeners end with their signal", async (t) => {
  const { server, client } = connected(t);
  const channel = new ChannelRef(client, "c", { from: "tail" });
  const casts = [];
  const abort = new AbortController();
  channel.on("cast", (data) => casts.push(data), { signal: abort.signal });
  await until(() => server.ops("sub").length === 1);
  server.send({ op: "cast", ch: "c", data: 1 });
  abort.abort();
  await until(() => server.ops("unsub").length === 1);
  channel.on("cast", (data) => casts.push(data), { signal: abort.signal });
  server.send({ op: "cast", ch: "c", data: 2 });
  assert.deepEqual([casts, server.ops("sub").length], [[1], 1]);
});

test("a mistake in an option leaves no listener", (t) => {
  const { client } = connected(t);
  const channel = new ChannelRef(client, "c", { form: "start" });
  assert.throws(() => channel.on("message", () => {}), /form/);
  assert.throws(() => new ChannelRef(client, "c").on("mesage", () => {}), /mesage/);
});
