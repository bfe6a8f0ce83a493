// The storage in IndexedDB, in a copy of IndexedDB for Node. The browsers' own are in e2e/storage.test.mjs.
import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { IDBFactory, IDBKeyRange } from "fake-indexeddb";
import { source } from "./support/source.mjs";

const { IndexedDbAdapter } = await source("storage/indexed-db");

globalThis.IDBKeyRange = IDBKeyRange;
beforeEach(() => (globalThis.indexedDB = new IDBFactory()));

/** Opens a database without the adapter, as another program would. */
function openRaw(name, version, upgrade = () => {}) {
  return new Promise((resolve, reject) => {
    const request = indexedDB.open(name, version);
    request.onupgradeneeded = () => upgrade(request.result);
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

const withStore = (database) => database.createObjectStore("records");
const record = (key, value) => ({ table: "t", key, value });

test("records are read in the order of their keys", async () => {
  const storage = new IndexedDbAdapter("app");
  await storage.write([
    record("b", 2),
    record("a", { n: 1 }),
    record("ab", null),
    { table: "other", key: "z", value: 9 },
  ]);
  assert.deepEqual(await storage.read("t"), [
    { key: "a", value: { n: 1 } },
    { key: "ab", value: null },
    { key: "b", value: 2 },
  ]);
  assert.deepEqual(await storage.read("t", "a"), [
    { key: "a", value: { n: 1 } },
    { key: "ab", value: null },
  ]);
  assert.deepEqual(await storage.read("none"), []);
  await storage.write([{ table: "t", key: "a" }, record("b", 3)]);
  const other = new IndexedDbAdapter("app", "strict");
  assert.deepEqual(await other.read("t", "b"), [{ key: "b", value: 3 }]);
});

test("a write that fails changes nothing", async () => {
  const storage = new IndexedDbAdapter("app");
  await storage.write([record("a", 1)]);
  const changes = [record("a", 2), record("b", () => {})];
  await assert.rejects(storage.write(changes), { code: "storage_failed" });
  assert.deepEqual(await storage.read("t"), [{ key: "a", value: 1 }]);
});

test("a newer version of the database names the cure", async () => {
  (await openRaw("seamline:app", 2, withStore)).close();
  await assert.rejects(new IndexedDbAdapter("app").read("t"), (error) => {
    assert.match(
      error.message,
      /^cannot use the IndexedDB database "seamline:app": VersionError: .*; another tab has a newer/,
    );
    return error.code === "storage_failed";
  });
});

test("a tab that does not close an older version blocks for 3 s", async () => {
  const old = await openRaw("seamline:app", 1, withStore);
  const storage = new IndexedDbAdapter("app", "relaxed", 2);
  const read = storage.read("t");
  await assert.rejects(read, { message: /BlockedError: .*; close or reload the other tabs of this site$/ });
  old.close();
  await storage.write([record("a", 1)]);
  assert.deepEqual(await storage.read("t"), [{ key: "a", value: 1 }]);
});

test("the storage makes way for a newer version", async () => {
  const storage = new IndexedDbAdapter("app");
  await storage.write([record("a", 1)]);
  const newer = new IndexedDbAdapter("app", "relaxed", 2);
  assert.deepEqual(await newer.read("t"), [{ key: "a", value: 1 }]);
  await assert.rejects(storage.read("t"), {
    message: /another tab has a newer version of the package; reload this page$/,
  });
});

test("a database with other tables names the cure", async () => {
  (await openRaw("seamline:app", 1, (database) => database.createObjectStore("mine"))).close();
  await assert.rejects(new IndexedDbAdapter("app").read("t"), {
    message: /NotFoundError: .*; choose another name, or/,
  });
});

test("a deleted database is created again", async () => {
  const storage = new IndexedDbAdapter("app");
  await storage.write([record("a", 1)]);
  await new Promise((resolve) => (indexedDB.deleteDatabase("seamline:app").onsuccess = resolve));
  assert.deepEqual(await storage.read("t"), []);
  await storage.write([record("b", 2)]);
  assert.deepEqual(await storage.read("t"), [{ key: "b", value: 2 }]);
});

test("a page that may not use IndexedDB gets the reason", async (t) => {
  t.mock.method(indexedDB, "open", () => {
    throw new DOMException("denied", "SecurityError");
  });
  await assert.rejects(new IndexedDbAdapter("app").read("t"), {
    message: /SecurityError: denied; allow this site to store/,
  });
});
