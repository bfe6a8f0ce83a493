// `storedPositions` of `seamline/effects`: a channel continues after a reload, at least once.
import assert from "node:assert/strict";
import { test } from "node:test";
import { storedPositions } from "../dist/effects.js";
import { connect } from "../dist/index.js";
import { createTestServer } from "../dist/testing.js";
import { until } from "./support/server.mjs";

/** A storage in memory, like those of `seamline/storage`. */
class Memory {
  records = new Map();
  fails = false;
  async read(_table, prefix = "") {
    if (this.fails) throw new Error("no storage");
    return [...this.records].map(([key, value]) => ({ key, value })).filter(({ key }) => key.startsWith(prefix));
  }
  async write(changes) {
    if (this.fails) throw new Error("no storage");
    for (const { table, key, value } of changes) {
      assert.equal(table, "positions");
      this.records.set(key, structuredClone(value));
    }
  }
  offset(channel = "room", name = "") {
    return this.records.get(JSON.stringify([name, channel]))?.offset;
  }
}

function start(t, { storage = new Memory(), messages = 3, ...options } = {}) {
  const server = createTestServer();
  for (let i = 1; i <= messages; i++) server.publish("room", i);
  /** A page, which has nothing in memory of the one before. */
  const open = (positions = storedPositions(storage, options)) => {
    const errors = [];
    const client = connect("ws://test/", { WebSocket: server.WebSocket, logger: {}, positions });
    t.after(() => client.close());
    const follow = (options, listener = () => {}) => {
      const seen = [];
      const room = client.channel("room", options);
      room.on("error", (error) => errors.push(error));
      room.on("message", (message) => (seen.push(message.data), listener(message)));
      return Object.assign(room, { seen });
    };
    return { client, follow, errors };
  };
  return { server, storage, open };
}

test("a page continues where the last one ended", async (t) => {
  const { server, storage, open } = start(t);
  const first = open();
  const room = first.follow();
  await room.ready();
  for (let i = 4; i <= 6; i++) server.publish("room", i);
  await until(() => room.seen.length === 3);
  await first.client.close();
  await until(() => storage.offset() === 6);
  server.publish("room", 7);
  const next = open().follow();
  await until(() => next.seen.length > 0);
  assert.deepEqual([room.seen, next.seen], [[4, 5, 6], [7]]);
});

test("without a close, the position is stored half a second later", async (t) => {
  const { server, storage, open } = start(t);
  const room = open().follow();
  await room.ready();
  server.publish("room", 4);
  await until(() => room.position.offset === 4);
  assert.equal(storage.offset(), undefined);
  await until(() => storage.offset() === 4);
});

test("a message that is not processed is not stored", async (t) => {
  const { server, storage, open } = start(t);
  const page = open();
  const room = page.follow({}, ({ data }) => (data === 5 ? new Promise(() => {}) : undefined));
  await room.ready();
  server.publish("room", 4);
  server.publish("room", 5);
  await until(() => room.seen.length === 2);
  await page.client.close();
  await until(() => storage.offset() === 4);
});

test("what every handle has processed is stored", async (t) => {
  const { server, storage, open } = start(t);
  const { follow } = open();
  const fast = follow();
  const slow = follow({}, ({ data }) => (data === 5 ? new Promise(() => {}) : undefined));
  await Promise.all([fast.ready(), slow.ready()]);
  for (let i = 4; i <= 6; i++) server.publish("room", i);
  await until(() => fast.seen.length === 3 && slow.seen.length === 2);
  await until(() => storage.offset() === 4);
  slow.close();
  server.publish("room", 7);
  await until(() => storage.offset() === 7);
});

test("a handle that is opened again continues in the page", async (t) => {
  const { server, open } = start(t);
  const { follow } = open();
  const first = follow();
  await first.ready();
  server.publish("room", 4);
  await until(() => first.seen.length === 1);
  first.close();
  server.publish("room", 5);
  const second = follow();
  await until(() => second.seen.length === 1);
  assert.deepEqual([first.seen, second.seen], [[4], [5]]);
});

test("a handle that is opened while the position is read does not begin before", async (t) => {
  const { server, storage, open } = start(t);
  await storage.write([
    { table: "positions", key: '["","room"]', value: { epoch: server.head("room").epoch, offset: 1 } },
  ]);
  const { read } = storage;
  let answer = () => {};
  storage.read = (...args) => new Promise((resolve) => (answer = () => resolve(read.apply(storage, args))));
  const page = open();
  const first = page.follow();
  await until(() => page.client.state.name === "open");
  const second = page.follow();
  server.publish("room", 4);
  answer();
  await until(() => first.seen.length === 3 && second.seen.length === 3);
  assert.deepEqual(
    [first.seen, second.seen],
    [
      [2, 3, 4],
      [2, 3, 4],
    ],
  );
});

test("`from` and a `transaction` come first", async (t) => {
  const { storage, open } = start(t);
  const { follow } = open();
  const room = follow({ from: "start" });
  await until(() => room.seen.length === 3);
  room.close();
  await new Promise((resolve) => setTimeout(resolve, 600));
  assert.equal(storage.offset(), undefined);
});

test("names separate the positions of pages", async (t) => {
  const { server, storage, open } = start(t, { name: "tab-1" });
  const room = open().follow();
  await room.ready();
  server.publish("room", 4);
  await until(() => storage.offset("room", "tab-1") === 4);
});

test("a storage that fails is reported once, and the channel continues", async (t) => {
  const { server, storage, open } = start(t);
  storage.fails = true;
  const { follow, errors } = open();
  const room = follow();
  await room.ready();
  server.publish("room", 4);
  await until(() => room.seen.length === 1);
  await new Promise((resolve) => setTimeout(resolve, 700));
  assert.deepEqual(
    errors.map(({ code }) => code),
    ["transaction_failed"],
  );
  assert.match(
    errors[0].message,
    /cannot use the stored position of channel "room": no storage; the channel continues/,
  );
  storage.fails = false;
  server.publish("room", 5);
  await until(() => storage.offset() === 5);
});
