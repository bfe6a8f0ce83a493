// `seamline/storage` with the client: publications survive the client that made them, and the application sees them.
import assert from "node:assert/strict";
import { test } from "node:test";
import { connect, SeamlineError } from "../dist/index.js";
import { custom, indexedDb, memory } from "../dist/storage.js";
import { createTestServer } from "../dist/testing.js";
import { until } from "./support/server.mjs";

const QUICK = { backoff: { initialMs: 1, maxMs: 5 } };

/** A server, and clients of it that end with the test. A client is what a page has; its storage outlives it. */
function start(t) {
  const server = createTestServer();
  const open = (storage, options) => {
    const errors = [];
    const client = connect("ws://test/", { ...QUICK, WebSocket: server.WebSocket, storage, ...options });
    client.on("error", (error) => errors.push(error));
    t.after(() => client.close());
    return Object.assign(client, { errors });
  };
  const log = (channel = "room") => server.messages(channel).map(({ data }) => data);
  return { server, open, log };
}

const shown = (client) => client.outbox.list().map(({ data, status }) => `${data} ${status}`);

test("without a storage there is no outbox", (t) => {
  assert.equal(start(t).open().outbox, undefined);
});

test("a publication is stored before it is sent, and removed after", async (t) => {
  const { open, log } = start(t);
  const storage = memory();
  const writes = [];
  const seen = custom("seen", {
    read: (...table) => storage.read(...table),
    write: async (changes) => {
      writes.push([changes.map(({ value }) => value?.json ?? "removed"), log().length]);
      return storage.write(changes);
    },
  });
  const client = open(seen);
  const { id, offset } = await client.channel("room").publish({ text: "hi" }, { key: "k" });
  assert.ok(id && offset === 1);
  await until(() => writes.length === 2);
  assert.deepEqual(writes, [
    [['{"text":"hi"}'], 0],
    [["removed"], 1],
  ]);
  assert.deepEqual(await storage.read("publications"), []);
  assert.deepEqual(client.outbox.list(), []);
});

test("publications of a closed client are sent by the next one", async (t) => {
  const { server, open, log } = start(t);
  const storage = memory();
  server.goOffline();
  const first = open(storage);
  const promises = [1, 2, 3].map((n) => first.channel("room").publish(n));
  await until(() => first.outbox.list().length === 3);
  await first.close();
  for (const { reason } of await Promise.allSettled(promises)) {
    assert.equal(reason.code, "closed");
    assert.ok(reason instanceof SeamlineError);
  }
  server.goOnline();
  const next = open(storage);
  await next.outbox.ready();
  assert.deepEqual(
    next.outbox.list().map(({ data }) => data),
    [1, 2, 3],
  );
  await next.channel("room").publish(4);
  assert.deepEqual([log(), next.outbox.list()], [[1, 2, 3, 4], []]);
});

test("`close({ flushMs })` waits for what is being stored", async (t) => {
  const { open, log } = start(t);
  const client = open(memory());
  const published = client.channel("room").publish(1);
  await client.close({ flushMs: 10_000 });
  assert.equal((await published).offset, 1);
  assert.deepEqual(log(), [1]);
});

test("a client that is opened again sends what it has kept", async (t) => {
  const { server, open, log } = start(t);
  server.goOffline();
  const client = open(memory());
  const lost = client.channel("room").publish(1);
  await until(() => client.outbox.list().length === 1);
  await client.close();
  await assert.rejects(lost, { code: "closed" });
  server.goOnline();
  client.connect();
  await until(() => client.outbox.list().length === 0);
  assert.deepEqual(log(), [1]);
});

test("a rejected publication can be retried, also by a later client", async (t) => {
  const { server, open, log } = start(t);
  const storage = memory();
  server.refuse("publish", { code: "forbidden", message: "not yours" });
  const first = open(storage);
  const failed = [];
  first.outbox.on("failed", (publication) => failed.push(publication));
  await assert.rejects(first.channel("room").publish("a", { key: "k" }), (error) => {
    assert.equal(error.message, 'publication "k" to channel "room" failed: not yours');
    return error.code === "forbidden" && error instanceof SeamlineError;
  });
  assert.deepEqual(failed, first.outbox.list());
  await first.close();
  const next = open(storage);
  await next.outbox.ready();
  const [publication] = next.outbox.list();
  assert.deepEqual([publication.status, publication.error.code, publication.data], ["failed", "forbidden", "a"]);
  const { offset } = await next.outbox.retry(publication);
  assert.deepEqual([offset, log(), next.outbox.list()], [1, ["a"], []]);
  await assert.rejects(next.outbox.retry(publication), { code: "discarded" });
});

test("a failure that nothing waits for is an error of the client", async (t) => {
  const { server, open } = start(t);
  const storage = memory();
  server.goOffline();
  const first = open(storage);
  first
    .channel("room")
    .publish(1, { key: "k" })
    .catch(() => {});
  await until(async () => (await storage.read("publications")).length === 1);
  await first.close();
  server.goOnline();
  server.refuse("publish", { code: "forbidden", message: "not yours" });
  const next = open(storage);
  await until(() => next.errors.length === 1);
  assert.equal(next.errors[0].message, 'publication "k" to channel "room" failed: not yours');
});

test("a publication that waits can be discarded", async (t) => {
  const { server, open, log } = start(t);
  server.goOffline();
  const client = open(memory());
  const published = client.channel("room").publish(1, { key: "k" });
  const publication = { channel: "room", key: "k" };
  await client.outbox.ready();
  assert.equal(client.outbox.discard(publication), true);
  await assert.rejects(published, { code: "discarded" });
  assert.equal(client.outbox.discard(publication), false);
  server.goOnline();
  await client.channel("room").publish(2);
  assert.deepEqual(log(), [2]);
});

test("publishing the same again joins what waits", async (t) => {
  const { server, open, log } = start(t);
  server.goOffline();
  const client = open(memory());
  const room = client.channel("room");
  const both = [room.publish({ a: 1 }, { key: "k" }), room.publish({ a: 1 }, { key: "k" })];
  const conflict = room.publish({ a: 2 }, { key: "k" });
  server.goOnline();
  const [one, other] = await Promise.all(both);
  assert.deepEqual(one, other);
  await assert.rejects(conflict, { code: "key_conflict" });
  assert.deepEqual(log(), [{ a: 1 }]);
});

test("a failed publication that is published again is retried", async (t) => {
  const { server, open, log } = start(t);
  const client = open(memory());
  const room = client.channel("room");
  server.refuse("publish", { code: "forbidden" });
  await assert.rejects(room.publish(1, { key: "k" }), { code: "forbidden" });
  await room.publish(1, { key: "k" });
  assert.deepEqual([log(), client.outbox.list()], [[1], []]);
});

test("changes are emitted once for each turn, and the list is stable", async (t) => {
  const { server, open } = start(t);
  server.pause();
  const client = open(memory());
  await client.outbox.ready();
  const lists = [];
  client.outbox.on("change", () => lists.push(client.outbox.list()));
  const all = [1, 2, 3].map((n) => client.channel("room").publish(n));
  await until(() => lists.length === 1);
  assert.equal(lists[0].length, 3);
  assert.equal(client.outbox.list(), lists[0]);
  const sent = [];
  client.outbox.on("sent", ({ channel, offset }) => sent.push([channel, offset]));
  server.resume();
  await Promise.all(all);
  assert.deepEqual(sent.length, 3);
  assert.deepEqual(client.outbox.stats(), { messages: 0, bytes: 0, full: 0, expired: 0 });
});

test("a full outbox rejects with `outbox_full`, and counts it", async (t) => {
  const { server, open } = start(t);
  server.goOffline();
  const client = open(memory({ messages: 2 }));
  const room = client.channel("room");
  for (const n of [1, 2]) room.publish(n).catch(() => {});
  await assert.rejects(room.publish(3), { code: "outbox_full" });
  assert.equal(client.outbox.stats().full, 1);
});

test("an expired publication is reported and not sent", async (t) => {
  const { server, open, log } = start(t);
  server.goOffline();
  const client = open(memory({ expireMs: 20 }));
  await assert.rejects(client.channel("room").publish(1), { code: "expired" });
  server.goOnline();
  await client.ready();
  await server.settled();
  assert.deepEqual([log(), client.outbox.stats().expired, shown(client)], [[], 1, ["1 failed"]]);
});

test("a storage that fails is reported once, and nothing is lost", async (t) => {
  const { open, log } = start(t);
  const broken = custom("broken", {
    read: async () => [],
    write() {
      throw new DOMException("no room", "QuotaExceededError");
    },
  });
  const client = open(broken);
  for (const n of [1, 2, 3]) await client.channel("room").publish(n);
  assert.deepEqual(log(), [1, 2, 3]);
  assert.equal(client.outbox.isDurable, false);
  assert.deepEqual(
    client.errors.map(({ code }) => code),
    ["storage_failed"],
  );
  assert.match(client.errors[0].message, /^no room; until it works again, publications are kept in memory/);
});

test("where there is no IndexedDB, the client continues in memory", async (t) => {
  const { open, log } = start(t);
  const client = open(indexedDb("none"));
  await client.channel("room").publish(1);
  assert.deepEqual([log(), client.outbox.isDurable], [[1], false]);
  assert.match(client.errors[0].message, /"seamline:none": InvalidStateError: there is no IndexedDB here; allow this/);
});

test("bad keys are rejected and not kept", async (t) => {
  const { open } = start(t);
  const client = open(memory());
  for (const key of ["", "k".repeat(201)]) {
    await assert.rejects(client.channel("room").publish(1, { key }), { code: "bad_key" });
  }
  await assert.rejects(client.channel("a\u0007").publish(1), { code: "bad_channel" });
  assert.deepEqual(client.outbox.list(), []);
});

test("arguments of the storages are checked by name", () => {
  for (const [call, message] of [
    [() => indexedDb(""), 'invalid storage name: ""; pass a string that is not empty'],
    [() => indexedDb(7), "invalid storage name: 7; pass a string that is not empty"],
    [() => indexedDb("a", { durabilty: "strict" }), /^unknown option of storage: "durabilty"; use one of messages,/],
    [() => indexedDb("a", { durability: 1 }), 'invalid option of storage "durability": 1; pass "relaxed" or "strict"'],
    [() => memory({ messages: 0 }), /^invalid option of storage "messages": 0; pass a whole number from 1/],
    [() => memory({ expireMs: 2 ** 31 }), /pass a whole number from 1 to 2147483647$/],
    [() => custom("a", {}), /^invalid storage: {}; pass an object with the methods read\(\) and write\(\)$/],
  ]) {
    assert.throws(call, { code: "bad_option", message });
  }
});
