// Storages and records that are not what they should be: each has an error that names it, and nothing else is lost.
import assert from "node:assert/strict";
import { test } from "node:test";
import { connect } from "../dist/index.js";
import { custom, indexedDb, memory } from "../dist/storage.js";
import { createTestServer } from "../dist/testing.js";
import { installTabs } from "./support/locks.mjs";
import { until } from "./support/server.mjs";

function open(t, storage) {
  const server = createTestServer();
  const errors = [];
  const client = connect("ws://test/", { WebSocket: server.WebSocket, storage, logger: {} });
  client.on("error", ({ code, message }) => errors.push(`${code}: ${message}`));
  t.after(() => client.close());
  const log = () => server.messages("room").map(({ data }) => data);
  return { client, errors, log };
}

const place = (n) => `${String(n).padStart(16, "0")}-before`;
const record = (fields) => ({
  channel: "room",
  key: "k",
  json: '"old"',
  at: Date.now(),
  owner: "x",
  tab: "x",
  ...fields,
});

/** An adapter whose table has these records. It does not copy them, as IndexedDB would. */
function holding(records) {
  const removed = new Set();
  return custom(`hostile ${Math.random()}`, {
    read: async () => (Array.isArray(records) ? records.filter((record) => !removed.has(record?.key)) : records),
    write: async (changes) => {
      for (const { key, value } of changes) if (value === undefined) removed.add(key);
    },
  });
}

/** A value that no text can be made of. */
const unspeakable = { toString: 1, valueOf: 1, toJSON: 1 };
const cycle = {};
cycle.self = cycle;
const throwing = (name) =>
  Object.defineProperty(record(), name, { enumerable: true, get: () => assert.fail("a getter") });

for (const [what, result] of [
  ["nothing", undefined],
  ["a number", 5],
  ["an object", { key: "a", value: 1 }],
  ["records without a key", [{ value: record() }]],
  ["a list with a hole", [null]],
]) {
  test(`a storage that reads ${what} is reported`, async (t) => {
    const { client, errors, log } = open(t, holding(result));
    await client.channel("room").publish("new");
    await client.outbox.ready();
    assert.deepEqual([log(), client.outbox.isDurable, errors.length], [["new"], false, 1]);
    assert.match(
      errors[0],
      /^storage_failed: invalid result of the storage's read\(\): .*; return a list of { key, value }/,
    );
  });
}

for (const [what, thrown, shown] of [
  ["nothing", undefined, "undefined"],
  ["null", null, "null"],
  ["an object without a text", Object.create(null), "object"],
  [
    "an error with a bad message",
    Object.defineProperty({}, "message", { get: () => assert.fail("a getter") }),
    "object",
  ],
]) {
  test(`a storage that throws ${what} is reported`, async (t) => {
    const fails = () => {
      throw thrown;
    };
    const { client, errors, log } = open(t, custom("thrower", { read: fails, write: fails }));
    await client.channel("room").publish("new");
    assert.deepEqual([log(), errors.length], [["new"], 1]);
    assert.ok(errors[0].startsWith(`storage_failed: ${shown}; until it works again`), errors[0]);
  });
}

test("each damaged field of a record is reported, and the others are sent", async (t) => {
  const damaged = [
    ...[undefined, null, 5, "text", [], {}, cycle].map((value) => [place(1), value]),
    ...["channel", "key", "json", "at", "owner", "tab"].flatMap((name) => [
      [place(1), record({ [name]: undefined })],
      [place(1), record({ [name]: cycle })],
      [place(1), throwing(name)],
    ]),
    ...["", " room", "a\u0007", "x".repeat(201), "\ud800"].map((channel) => [place(1), record({ channel })]),
    ...["", "x".repeat(201), "\ud800"].map((key) => [place(1), record({ key })]),
    [place(1), record({ json: "{" })],
    [place(1), record({ at: Number.NaN })],
    ["", record()],
  ];
  for (const [key, value] of damaged) {
    const { client, errors, log } = open(
      t,
      holding([
        { key, value },
        { key: place(2), value: record({ key: "good" }) },
      ]),
    );
    await client.channel("room").publish("new");
    assert.deepEqual([log(), client.outbox.list()], [["old", "new"], []], key);
    assert.equal(errors.length, 1, errors.join(" AND "));
    assert.ok(errors[0].startsWith(`storage_failed: removed a damaged publication: record "${key}" is `), errors[0]);
    await client.close();
  }
});

test("a record whose key is not one of ours is sent, and later ones are kept", async (t) => {
  for (const key of [
    "other",
    "0000000000000000-x",
    "4503599627370496-x",
    "9007199254740991-x",
    "99999999999999999-x",
  ]) {
    const { client, errors, log } = open(t, holding([{ key, value: record() }]));
    const room = client.channel("room");
    await Promise.all(["a", "b", "c"].map((text) => room.publish(text)));
    await until(() => client.outbox.list().length === 0);
    assert.deepEqual([log().toSorted(), errors], [["a", "b", "c", "old"], []], key);
    await client.close();
  }
});

for (const failure of [5, null, {}, { code: unspeakable, message: unspeakable }]) {
  test(`a damaged failure (${typeof failure}) stays a failure`, async (t) => {
    const { client, errors } = open(t, holding([{ key: place(1), value: record({ failure }) }]));
    await client.outbox.ready();
    assert.deepEqual([client.outbox.list().map(({ status }) => status), errors], [["failed"], []]);
    assert.equal(typeof client.outbox.list()[0].error.message, "string");
  });
}

test("a record of the largest size is sent or fails", async (t) => {
  const huge = record({ json: JSON.stringify("x".repeat(50_000_000)) });
  const { client, log } = open(t, holding([{ key: place(1), value: huge }]));
  await until(() => client.outbox.list().length === 0 || client.outbox.list()[0].status === "failed", 20_000);
  await client.channel("room").publish("new");
  assert.equal(log().at(-1), "new");
});

test("what is no publication cannot be retried or discarded", async (t) => {
  const { outbox } = open(t, memory()).client;
  for (const bad of [undefined, null, 5, "k", {}, { channel: "room" }, { channel: 5, key: "k" }]) {
    const error = {
      code: "bad_option",
      message: /^invalid publication: .*; pass one of list\(\), or { channel, key }$/,
    };
    await assert.rejects(outbox.retry(bad), error);
    assert.throws(() => outbox.discard(bad), error);
  }
});

test("options of storages that are no objects are named", () => {
  for (const call of [
    () => memory(null),
    () => memory(5),
    () => indexedDb("a", null),
    () => custom("a", memory(), "x"),
  ]) {
    assert.throws(call, { code: "bad_option", message: /^invalid options of storage: .*; pass an object$/ });
  }
});

test("where channels between pages are forbidden, publications go out", async (t) => {
  t.after(installTabs());
  const { BroadcastChannel } = globalThis;
  t.after(() => Object.assign(globalThis, { BroadcastChannel }));
  globalThis.BroadcastChannel = class {
    constructor() {
      throw new DOMException("cookies are blocked", "SecurityError");
    }
  };
  const { client, log } = open(t, memory());
  await client.channel("room").publish("new");
  assert.deepEqual(log(), ["new"]);
});
