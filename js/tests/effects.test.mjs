// `seamline/effects`: what a listener stores and the position commit together, in each database.
import assert from "node:assert/strict";
import { test } from "node:test";
import { customTransaction, dexieTransaction, indexedDbTransaction, storedPositions } from "../dist/effects.js";
import { connect } from "../dist/index.js";
import { state } from "../dist/state.js";
import { createTestServer } from "../dist/testing.js";
import { DATABASES, newOrigin } from "./support/databases.mjs";
import { until } from "./support/server.mjs";

/** A server with messages in its log, and an empty database. */
async function start(t, open, messages = 3, options) {
  newOrigin();
  const server = createTestServer();
  for (let i = 1; i <= messages; i++) server.publish("room", i);
  const db = await open(options);
  t.after(() => db.close());
  const errors = [];
  /** A page that follows the room into the database. */
  const follow = ({ event = "message", listener, ...options } = {}) => {
    const client = connect("ws://test/", {
      WebSocket: server.WebSocket,
      logger: {},
      backoff: { initialMs: 1, maxMs: 5 },
    });
    t.after(() => client.close());
    const room = client.channel("room", { transaction: db.transaction, ...options });
    room.on("error", (error) => errors.push(error));
    room.on(event, listener ?? ((message, tx) => db.add(tx, message.data)));
    return { room, close: () => client.close() };
  };
  const has = (count) => until(async () => (await db.rows()).length >= count);
  return { server, db, follow, errors, has };
}

for (const [name, open] of Object.entries(DATABASES)) {
  test(`${name}: a row and its position commit together`, async (t) => {
    const { db, follow, has } = await start(t, open);
    const { room } = follow();
    await has(3);
    assert.deepEqual(await db.rows(), [1, 2, 3]);
    const { offset, epoch, id } = await db.position();
    assert.equal(offset, 3);
    await until(() => room.position.offset === 3);
    assert.deepEqual(room.position, { epoch, offset, id });
  });

  test(`${name}: a new page continues after the last commit`, async (t) => {
    const { server, db, follow, has } = await start(t, open);
    const first = follow();
    await has(3);
    await first.close();
    server.publish("room", 4);
    const second = follow({ from: "start" });
    await has(4);
    await server.settled();
    assert.deepEqual(await db.rows(), [1, 2, 3, 4]);
    await second.close();
  });

  test(`${name}: a listener that fails leaves nothing`, async (t) => {
    const { db, follow, errors, has } = await start(t, open);
    let failures = 0;
    follow({
      redeliver: { attempts: 5, delayMs: 1 },
      listener: async ({ data }, tx) => {
        await db.add(tx, data);
        if (data === 2 && failures++ < 2) throw new Error("no");
      },
    });
    await has(3);
    assert.deepEqual(await db.rows(), [1, 2, 3]);
    assert.ok(errors.length === 2, String(errors));
  });

  test(`${name}: a failing message is retried without end`, async (t) => {
    t.mock.timers.enable({ apis: ["setTimeout"] });
    const { db, follow, errors } = await start(t, open, 2);
    let failures = 0;
    follow({
      listener: async ({ data }, tx) => {
        if (data === 1 && failures++ < 6) throw new Error("no");
        await db.add(tx, data);
      },
    });
    const turns = async (isSo) => {
      for (let i = 0; i < 10_000 && !(await isSo()); i++) await new Promise((resolve) => setImmediate(resolve));
    };
    const delays = [];
    for (let failure = 1; failure <= 6; failure++) {
      await turns(() => errors.length === failure);
      assert.equal(errors.length, failure);
      await turns(() => false);
      let ms = 0;
      for (; failures === failure && ms < 60_000; ms += 1000) {
        t.mock.timers.tick(1000);
        for (let i = 0; i < 200; i++) await new Promise((resolve) => setImmediate(resolve));
      }
      delays.push(ms / 1000);
    }
    await turns(async () => (await db.rows()).length === 2);
    assert.deepEqual(await db.rows(), [1, 2]);
    assert.deepEqual(delays, [1, 2, 4, 8, 16, 30]);
  });

  test(`${name}: a batch commits as a whole`, async (t) => {
    const { db, follow, errors, has } = await start(t, open, 10);
    let failures = 0;
    const sizes = [];
    follow({
      event: "batch",
      redeliver: { attempts: 3, delayMs: 1 },
      listener: async (messages, tx) => {
        sizes.push(messages.length);
        for (const { data } of messages) await db.add(tx, data);
        if (failures++ === 0) throw new Error("no");
      },
    });
    await has(10);
    assert.deepEqual(await db.rows(), [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    assert.deepEqual([sizes, errors.length], [[10, 10], 1]);
  });

  test(`${name}: a listener may await something else at its end`, async (t) => {
    const { db, follow, errors, has } = await start(t, open, 2);
    follow({
      listener: async ({ data }, tx) => {
        await db.add(tx, data);
        await new Promise((resolve) => setTimeout(resolve, 20));
      },
    });
    await has(2);
    assert.deepEqual([await db.rows(), errors], [[1, 2], []]);
  });

  test(`${name}: two pages store each row once`, async (t) => {
    const { server, db, follow, errors, has } = await start(t, open, 20);
    const [one, two] = [follow(), follow()];
    for (let i = 21; i <= 40; i++) server.publish("room", i);
    await has(40);
    await until(() => one.room.position.offset === 40 && two.room.position.offset === 40);
    const all = Array.from({ length: 40 }, (_, i) => i + 1);
    assert.deepEqual([await db.rows(), errors], [all, []]);
  });

  test(`${name}: two keys are two positions`, async (t) => {
    const { db, follow, has } = await start(t, open, 2, { key: "other" });
    follow();
    await has(2);
    assert.equal((await db.position("other")).offset, 2);
    assert.equal(await db.position("room"), undefined);
  });

  test(`${name}: a log that is replaced or rewound continues`, async (t) => {
    const { server, db, follow, errors, has } = await start(t, open, 3);
    const gaps = [];
    const { room } = follow();
    room.on("gap", ({ reason }) => gaps.push(reason));
    await has(3);
    await until(() => room.position.offset === 3);
    server.rewind("room", 1);
    await until(() => gaps.length === 1);
    server.publish("room", "2 again");
    await has(4);
    server.replaceLog("room");
    server.publish("room", "new");
    await has(5);
    assert.deepEqual(await db.rows(), [1, 2, 3, "2 again", "new"]);
    assert.deepEqual([gaps, errors], [["rewound", "epoch_changed"], []]);
  });

  test(`${name}: a position that is removed is reported`, async (t) => {
    const { server, db, follow, errors, has } = await start(t, open, 1);
    const { close } = follow({ redeliver: { attempts: 1e6, delayMs: 1 } });
    await has(1);
    await db.forget();
    server.publish("room", 2);
    await until(() => errors.length > 1);
    assert.equal(errors[0].code, "position_moved");
    assert.match(errors[0].message, /it is none, and this handle is at .*\/1; nothing was stored/);
    await close();
    assert.deepEqual(await db.rows(), [1]);
    follow({ from: "start" });
    await has(3);
    assert.deepEqual(await db.rows(), [1, 1, 2], "a new page begins where the database says");
  });

  test(`${name}: a damaged position is reported and not used`, async (t) => {
    const { db, follow, errors } = await start(t, open, 1);
    await db.store({ epoch: 5 });
    follow();
    await until(() => errors.length > 0);
    assert.equal(errors[0].code, "transaction_failed");
    assert.match(errors[0].message, /cannot read the stored position of channel "room"/);
    assert.deepEqual(await db.rows(), []);
  });
}

test("a listener that waits for another transaction is stopped", async (t) => {
  const { db, follow, errors, has } = await start(t, DATABASES.idb, 2, { listenerTimeoutMs: 50 });
  follow({
    redeliver: { attempts: 2, delayMs: 1 },
    listener: async ({ data }, tx) => {
      await db.add(tx, data);
      if (errors.length === 0) await db.rows(); // waits for the end of this transaction
    },
  });
  await has(2);
  assert.deepEqual(
    errors.map(({ code }) => code),
    ["transaction_failed"],
  );
  assert.match(errors[0].message, /it has not finished within 50 ms/);
  assert.deepEqual(await db.rows(), [1, 2]);
});

test("a database of the application's own works", async (t) => {
  const committed = { rows: [], positions: {} };
  let running = 0;
  const transaction = customTransaction({
    async run(body) {
      assert.equal(++running, 1, "one at a time");
      const draft = structuredClone(committed);
      try {
        await body(draft);
        await new Promise((resolve) => setImmediate(resolve));
        Object.assign(committed, draft);
      } finally {
        running--;
      }
    },
    read: (draft, key) => draft.positions[key] ?? null,
    write: (draft, key, position) => void (draft.positions[key] = position),
  });
  const server = createTestServer();
  for (const channel of ["a", "b"]) for (let i = 1; i <= 3; i++) server.publish(channel, `${channel}${i}`);
  const client = connect("ws://test/", { WebSocket: server.WebSocket, logger: {} });
  t.after(() => client.close());
  let failures = 0;
  for (const channel of ["a", "b"]) {
    const room = client.channel(channel, { transaction, redeliver: { attempts: 9, delayMs: 1 } });
    room.on("error", () => {});
    room.on("message", ({ data }, draft) => {
      draft.rows.push(data);
      if (data === "b2" && failures++ < 2) throw new Error("no");
    });
  }
  await until(() => committed.rows.length === 6);
  assert.deepEqual([...committed.rows].sort(), ["a1", "a2", "a3", "b1", "b2", "b3"]);
  assert.deepEqual([committed.positions.a.offset, committed.positions.b.offset], [3, 3]);
});

test("`redeliver` limits how often a failing message is repeated", async (t) => {
  const { db, follow, errors, has } = await start(t, DATABASES.IndexedDB, 3);
  follow({
    redeliver: { attempts: 2, delayMs: 1 },
    listener: ({ data }, tx) => {
      if (data === 2) throw new Error("never");
      return db.add(tx, data);
    },
  });
  await has(2);
  assert.deepEqual([await db.rows(), errors.length], [[1, 3], 2]);
});

test("`ready` waits for the position and the replay", async (t) => {
  const { db, follow } = await start(t, DATABASES.IndexedDB, 5);
  const { room } = follow();
  await room.ready();
  assert.equal((await db.rows()).length, 5);
});

test("a second listener and an iterator are refused", async (t) => {
  const { follow } = await start(t, DATABASES.IndexedDB);
  const { room } = follow();
  assert.throws(() => room.on("message", () => {}), { code: "not_supported", message: /a second listener/ });
  assert.throws(() => room.on("batch", () => {}), { code: "not_supported" });
  await assert.rejects(
    async () => {
      for await (const _ of room);
    },
    { code: "not_supported", message: /be iterated/ },
  );
});

test("a start point that fetches a state is refused", async (t) => {
  const { follow } = await start(t, DATABASES.IndexedDB);
  assert.throws(() => follow({ from: state(async () => "start") }), { code: "not_supported", message: /from.*state/ });
});

test("a missing object store is named in the error", async (t) => {
  const { follow, errors } = await start(t, DATABASES.IndexedDB, 1, { positions: "places" });
  follow();
  await until(() => errors.length > 0);
  assert.equal(errors[0].code, "transaction_failed");
  assert.match(errors[0].message, /createObjectStore\("positions"\)/);
});

test("a database may be opened again by a function", async (t) => {
  const { server, db, has } = await start(t, DATABASES.IndexedDB, 1);
  let opened = 0;
  let current;
  const transaction = indexedDbTransaction(async () => {
    if (!current) {
      opened++;
      current = await db.again();
    }
    return current;
  }, ["rows"]);
  const client = connect("ws://test/", { WebSocket: server.WebSocket, logger: {} });
  t.after(() => client.close());
  const room = client.channel("room", { transaction, redeliver: { attempts: 9, delayMs: 1 } });
  room.on("error", () => (current = undefined));
  room.on("message", ({ data }, tx) => void db.add(tx, data));
  await has(1);
  current.close();
  server.publish("room", 2);
  await has(2);
  assert.deepEqual([await db.rows(), opened], [[1, 2], 2]);
  current.close();
});

test("wrong arguments are named", () => {
  const client = connect("ws://test/", { WebSocket: class {}, logger: {} });
  assert.throws(() => client.channel("room", { transaction: {} }), { code: "bad_option", message: /"transaction"/ });
  assert.throws(() => indexedDbTransaction({}, []), { code: "bad_option", message: /a database of IndexedDB/ });
  assert.throws(() => indexedDbTransaction({ transaction() {} }, [], { key: 5 }), { message: /"key"/ });
  assert.throws(() => dexieTransaction({}, []), { code: "bad_option", message: /a database of Dexie/ });
  assert.throws(() => customTransaction({ run() {} }), { code: "bad_option", message: /"read"/ });
  assert.throws(() => storedPositions({}), { code: "bad_option", message: /the storage of positions/ });
  client.close();
});
