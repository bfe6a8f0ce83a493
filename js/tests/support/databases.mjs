// One database with a table of rows and the stored positions, by each library that `seamline/effects` has an adapter for.
import "fake-indexeddb/auto"; // first: the others look for it
import { Dexie } from "dexie";
import { IDBFactory } from "fake-indexeddb";
import { openDB } from "idb";
import { dexieTransaction, indexedDbTransaction } from "../../dist/effects.js";

/** A new origin, without databases. */
export function newOrigin() {
  globalThis.indexedDB = new IDBFactory();
  Dexie.dependencies.indexedDB = globalThis.indexedDB;
}

/** A request of IndexedDB as a promise. */
export const result = (request) =>
  new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });

function upgrade(db) {
  db.createObjectStore("rows", { autoIncrement: true });
  db.createObjectStore("positions");
}

async function openPlain() {
  const request = indexedDB.open("app", 1);
  request.onupgradeneeded = () => upgrade(request.result);
  return result(request);
}

/**
 * By library: how a database is opened, as the `transaction` of a channel; how a listener adds a row; and what the
 * database has.
 */
export const DATABASES = {
  IndexedDB: async (options) => {
    const db = await openPlain();
    return {
      transaction: indexedDbTransaction(db, ["rows"], options),
      add: (tx, row) => result(tx.objectStore("rows").add(row)),
      rows: () => result(db.transaction("rows").objectStore("rows").getAll()),
      position: (key = "room") => result(db.transaction("positions").objectStore("positions").get(key)),
      forget: () => result(db.transaction("positions", "readwrite").objectStore("positions").clear()),
      store: (value) => result(db.transaction("positions", "readwrite").objectStore("positions").put(value, "room")),
      again: openPlain,
      close: () => db.close(),
    };
  },
  idb: async (options) => {
    const db = await openDB("app", 1, { upgrade });
    return {
      transaction: indexedDbTransaction(db, ["rows"], options),
      add: (tx, row) => tx.objectStore("rows").add(row),
      rows: () => db.getAll("rows"),
      position: (key = "room") => db.get("positions", key),
      forget: () => db.clear("positions"),
      store: (value) => db.put("positions", value, "room"),
      close: () => db.close(),
    };
  },
  Dexie: async (options) => {
    const db = new Dexie("app");
    db.version(1).stores({ rows: "++", positions: "" });
    await db.open();
    return {
      transaction: dexieTransaction(db, ["rows"], options),
      add: (tx, row) => tx.table("rows").add(row),
      rows: () => db.table("rows").toArray(),
      position: (key = "room") => db.table("positions").get(key),
      forget: () => db.table("positions").clear(),
      store: (value) => db.table("positions").put(value, "room"),
      close: () => db.close(),
    };
  },
};
