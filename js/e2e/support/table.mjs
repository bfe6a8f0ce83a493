// A page that stores each message of a channel as a row of a table: with the position, or beside it.
import { dexieTransaction, indexedDbTransaction } from "/dist/effects.js";
import { connect } from "/dist/index.js";

const result = (request) =>
  new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });

function upgrade(db) {
  db.createObjectStore("rows", { autoIncrement: true });
  db.createObjectStore("positions");
}

function open(name) {
  const request = indexedDB.open(name, 1);
  request.onupgradeneeded = () => upgrade(request.result);
  return result(request);
}

/** By library: a database, as the option `transaction`, and how a listener adds a row. */
const DATABASES = {
  IndexedDB: async (name) => ({
    transaction: indexedDbTransaction(await open(name), ["rows"]),
    add: (tx, row) => result(tx.objectStore("rows").add(row)),
  }),
  idb: async (name) => {
    const { openDB } = await import("/libraries/idb.mjs");
    return {
      transaction: indexedDbTransaction(await openDB(name, 1, { upgrade }), ["rows"]),
      add: (tx, row) => tx.objectStore("rows").add(row),
    };
  },
  Dexie: async (name) => {
    const { Dexie } = await import("/libraries/dexie.mjs");
    const db = new Dexie(name);
    db.version(1).stores({ rows: "++", positions: "" });
    await db.open();
    return { transaction: dexieTransaction(db, ["rows"]), add: (tx, row) => tx.table("rows").add(row) };
  },
};

/** The rows, in the order in which they were stored. */
export async function rows(name) {
  const request = indexedDB.open(name); // Dexie's versions are ten times as high
  const db = await result(request);
  const all = await result(db.transaction("rows").objectStore("rows").getAll());
  db.close();
  return all;
}

/** Follows a channel into the table. `awaits` something else after each third row, at first. */
export async function followInto(name, url, { library = "IndexedDB", event = "message", awaits = false } = {}) {
  const { transaction, add } = await DATABASES[library](name);
  const redeliver = { attempts: 100, delayMs: 10 };
  const room = connect(url).channel(name, { from: "start", transaction, ...(awaits && { redeliver }) });
  const state = { processed: 0, codes: [] };
  const failed = new Set();
  room.on("error", (error) => state.codes.push(error.code ?? String(error)));
  room.on(event, async (value, tx) => {
    const messages = event === "batch" ? value : [value];
    for (const { data, offset } of messages) {
      await add(tx, data);
      if (!awaits || offset % 3 !== 0 || failed.has(offset)) continue;
      failed.add(offset);
      await fetch("/");
      await add(tx, "late");
    }
    state.processed += messages.length;
  });
  return state;
}

/** The same with a transaction for the row and another one for the position: what a page can do by itself. */
export async function followBeside(name, url) {
  const db = await open(name);
  const store = (store) => db.transaction(store, "readwrite").objectStore(store);
  const from = (await result(store("positions").get(name))) ?? "start";
  const room = connect(url).channel(name, { from });
  const state = { processed: 0, codes: [] };
  room.on("message", async ({ data, offset, id }) => {
    await result(store("rows").add(data));
    await result(store("positions").put({ epoch: room.position.epoch, offset, id }, name));
    state.processed++;
  });
  return state;
}
