// Adapters and arguments of `seamline/effects` that are not what they should be: nothing counts as stored by mistake.
import assert from "node:assert/strict";
import { test } from "node:test";
import { customTransaction, dexieTransaction, indexedDbTransaction, storedPositions } from "../dist/effects.js";
import { connect, SeamlineError } from "../dist/index.js";
import { createTestServer } from "../dist/testing.js";
import { newOrigin, result } from "./support/databases.mjs";
import { until } from "./support/server.mjs";

const QUICK = { attempts: 2, delayMs: 1 };

function follow(t, options, listener = () => {}) {
  const server = createTestServer();
  server.publish("room", 1);
  const client = connect("ws://test/", { WebSocket: server.WebSocket, logger: {}, ...options.client });
  t.after(() => client.close());
  const errors = [];
  const seen = [];
  const room = client.channel("room", options.channel);
  room.on("error", (error) => errors.push(error));
  room.on("message", (message, tx) => (seen.push(message.data), listener(message, tx)));
  return { client, room, errors, seen, server };
}

/** An adapter that works, but for one method. */
const adapter = (methods) =>
  customTransaction({ run: (body) => body({}), read: () => undefined, write: () => {}, ...methods });

for (const [what, run, message] of [
  [
    "never calls `body`",
    async () => {},
    /cannot rely on the adapter's run\(\): it has resolved, and its `body` was not called/,
  ],
  ["returns nothing", () => {}, /its `body` was not called; call it, and await it before you commit/],
  ["does not wait for `body`", async (body) => void body({}), /its `body` was not awaited/],
]) {
  test(`a run() that ${what} is an error`, async (t) => {
    const { errors, room } = follow(t, { channel: { transaction: adapter({ run }) } });
    await until(() => errors.length > 0);
    assert.equal(errors[0].code, "transaction_failed");
    assert.match(errors[0].message, message);
    assert.ok(errors[0] instanceof SeamlineError, "the application's own class");
    assert.equal(room.position?.offset ?? 0, 0, "nothing counts as processed");
  });
}

test("a run() that hides the failure of a listener is an error", async (t) => {
  let fails = false;
  const run = (body) => body({}).catch(() => {});
  const { errors, seen } = follow(t, { channel: { transaction: adapter({ run }) } }, () => {
    if (!fails) throw new Error((fails = true) && "the listener failed");
  });
  await until(() => errors.length > 0);
  assert.equal(errors[0].message, "the listener failed");
  await until(() => seen.length === 2, 5000);
});

for (const [what, methods, message] of [
  ["throws in run()", { run: () => assert.fail("run threw") }, /run threw/],
  ["rejects in run()", { run: async () => assert.fail("run rejected") }, /run rejected/],
  ["throws in read()", { read: () => assert.fail("read threw") }, /read threw/],
  ["rejects in write()", { write: async () => assert.fail("write rejected") }, /write rejected/],
  ["reads a number", { read: () => 5 }, /cannot read the stored position of channel "room": 5 is none; delete it/],
  ["reads a list", { read: () => [] }, /\[\] is none/],
  ["reads an epoch without text", { read: () => ({ epoch: "", offset: 1 }) }, /{"epoch":"","offset":1} is none/],
  ["reads a negative offset", { read: () => ({ epoch: "e", offset: -1 }) }, /is none/],
  ["reads an offset that is no number", { read: () => ({ epoch: "e", offset: Number.NaN }) }, /is none/],
  ["reads an id that is no text", { read: () => ({ epoch: "e", offset: 1, id: 5 }) }, /is none/],
]) {
  test(`an adapter that ${what} is reported`, async (t) => {
    const { errors, seen } = follow(t, { channel: { transaction: adapter(methods), redeliver: QUICK } });
    await until(() => errors.length > 0);
    assert.match(errors[0].message, message);
    assert.deepEqual(seen, []);
  });
}

test("a transaction that does not end is reported, and the channel waits", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const { errors, seen, room } = follow(t, { channel: { transaction: adapter({ run: () => new Promise(() => {}) }) } });
  await new Promise((resolve) => setImmediate(resolve));
  t.mock.timers.tick(30_000);
  assert.deepEqual(
    errors.map(({ code, message }) => [code, message]),
    [
      [
        "transaction_stalled",
        'a transaction of channel "room" has not ended for 30000 ms: the channel waits; see that opening the database is ' +
          "not blocked by another tab, and that the adapter settles",
      ],
    ],
  );
  assert.deepEqual(seen, []);
  room.close();
});

test("a listener may close the client inside its transaction", async (t) => {
  const written = [];
  const transaction = adapter({ write: (_tx, _key, position) => written.push(position.offset) });
  const { client, errors, seen } = follow(t, { channel: { transaction } }, () => client.close());
  await until(() => seen.length === 1 && client.state.name === "closed");
  assert.deepEqual([written, errors], [[1], []]);
});

test("a function that opens no database is reported", async (t) => {
  const transaction = indexedDbTransaction(async () => undefined, ["rows"]);
  const { errors } = follow(t, { channel: { transaction } });
  await until(() => errors.length > 0);
  assert.match(errors[0].message, /^invalid a database of IndexedDB: its method "transaction": undefined/);
});

test("an object store that cannot have positions is named", async (t) => {
  newOrigin();
  const request = indexedDB.open("app", 1);
  request.onupgradeneeded = () => {
    request.result.createObjectStore("rows", { autoIncrement: true });
    request.result.createObjectStore("positions", { keyPath: "channel" });
  };
  const db = await result(request);
  t.after(() => db.close());
  const { errors, seen } = follow(t, { channel: { transaction: indexedDbTransaction(db, ["rows"]) } });
  await until(() => errors.length > 0);
  assert.equal(errors[0].code, "transaction_failed");
  assert.match(
    errors[0].message,
    /^cannot store positions: .* the key path "channel"; create one without: `db\.create/,
  );
  assert.deepEqual(seen, []);
});

for (const [what, read] of [
  ["throws", () => assert.fail("read threw")],
  ["reads nothing", async () => undefined],
  ["reads records without a key", async () => [{ value: { epoch: "e", offset: 1 } }]],
  ["has another value", async (_table, key) => [{ key, value: { epoch: "e" } }]],
]) {
  test(`a storage of positions that ${what} is reported, and the channel continues`, async (t) => {
    const positions = storedPositions({ read, write: async () => {} });
    const { errors, room, seen, server } = follow(t, { client: { positions } });
    await room.ready();
    server.publish("room", 2);
    await until(() => seen.length === 1);
    assert.equal(errors.length, 1);
    assert.equal(errors[0].code, "transaction_failed");
    assert.match(errors[0].message, /^cannot use the stored position of channel "room": .+; the channel continues/);
    assert.ok(errors[0] instanceof SeamlineError);
  });
}

test("a storage of positions that does not answer delays the channel by 10 s", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const never = () => new Promise(() => {});
  const { errors } = follow(t, { client: { positions: storedPositions({ read: never, write: never }) } });
  await new Promise((resolve) => setImmediate(resolve));
  t.mock.timers.tick(10_000);
  t.mock.timers.reset();
  await until(() => errors.length === 1);
  assert.match(errors[0].message, /the storage has not answered for 10000 ms; the channel continues/);
});

const database = { transaction() {}, table() {} };
for (const [call, message] of [
  [
    () => indexedDbTransaction(database),
    /names of object stores of indexedDbTransaction: undefined; pass a list such as/,
  ],
  [() => indexedDbTransaction(database, "rows"), /names of object stores of indexedDbTransaction: "rows"; pass a list/],
  [() => indexedDbTransaction(database, [5]), /names of object stores/],
  [() => indexedDbTransaction(database, ["rows"], null), /options of indexedDbTransaction: null; pass an object/],
  [() => indexedDbTransaction(database, [], { postions: "p" }), /unknown option of indexedDbTransaction: "postions"/],
  [() => indexedDbTransaction(database, [], { positions: "" }), /"positions": ""; pass a string that is not empty/],
  [() => indexedDbTransaction(database, [], { listenerTimeoutMs: 0 }), /"listenerTimeoutMs": 0; pass a whole number/],
  [() => indexedDbTransaction(null, []), /a database of IndexedDB/],
  [() => dexieTransaction(database, null), /names of object stores of dexieTransaction: null/],
  [() => dexieTransaction(database, [], 5), /options of dexieTransaction: 5; pass an object/],
  [() => customTransaction(null), /the adapter of a transaction/],
  [
    () => customTransaction({ run() {}, read() {}, write() {} }, { name: "a" }),
    /unknown option of customTransaction: "name"/,
  ],
  [
    () => storedPositions({ read() {}, write() {} }, { key: "a" }),
    /unknown option of storedPositions: "key"; use one of name/,
  ],
]) {
  test(`a wrong argument is named: ${message.source}`, () => assert.throws(call, { code: "bad_option", message }));
}
