// Which page sends the publications of which owner (src/storage/owners.ts), with locks that the test controls.
import assert from "node:assert/strict";
import { test } from "node:test";
import { until } from "./support/server.mjs";
import { source } from "./support/source.mjs";

const { Owners } = await source("storage/owners");

/** The Web Locks of one origin. */
class Locks {
  #queues = new Map();

  request(name, { ifAvailable = false, signal }, call) {
    const queue = this.#queues.get(name) ?? [];
    this.#queues.set(name, queue);
    if (ifAvailable && queue.length > 0) return Promise.resolve(call(null));
    return new Promise((resolve, reject) => {
      const run = async () => {
        await Promise.resolve(); // it is never in the same turn
        await Promise.resolve(call({ name })).then(resolve, reject);
        queue.shift();
        queue[0]?.();
      };
      queue.push(run);
      signal?.addEventListener("abort", () => {
        if (queue.indexOf(run) > 0) queue.splice(queue.indexOf(run), 1);
        reject(signal.reason);
      });
      if (queue.length === 1) void run();
    });
  }
}

/** Replaces the locks of the process for a test. */
function withLocks(t, locks) {
  const before = Object.getOwnPropertyDescriptor(globalThis, "navigator");
  Object.defineProperty(globalThis, "navigator", { value: { locks }, configurable: true });
  t.after(() => before && Object.defineProperty(globalThis, "navigator", before));
}

function owners(t, own, storage = t.name) {
  const seen = [];
  const made = new Owners(storage, own, {
    _lives: (owner) => seen.push(`${owner} lives`),
    _adopt: async (owner) => void seen.push(`${owner} adopted`),
  });
  made._start();
  t.after(() => made._stop());
  return Object.assign(made, { seen });
}

test("an owner that lives is adopted when it ends", async (t) => {
  withLocks(t, new Locks());
  const [a, b] = [owners(t, "a"), owners(t, "b")];
  a._hold();
  b._claim("a");
  await until(() => b.seen.length === 1);
  b._claim("a");
  a._stop();
  await until(() => b.seen.length === 2);
  assert.deepEqual(b.seen, ["a lives", "a adopted"]);
});

test("an owner that has nothing any more can be claimed again", async (t) => {
  withLocks(t, new Locks());
  const [a, b] = [owners(t, "a"), owners(t, "b")];
  b._claim("a");
  await until(() => b.seen.length === 1);
  a._hold();
  await until(() => b.seen.length === 2);
  assert.deepEqual(b.seen, ["a adopted", "a lives"], "it has announced what it has");
  a._release();
  await until(() => b.seen.length === 3);
});

test("a page that starts learns who has something", async (t) => {
  withLocks(t, new Locks());
  const a = owners(t, "a");
  a._hold();
  const b = owners(t, "b");
  await until(() => b.seen.length === 1);
  assert.deepEqual(b.seen, ["a lives"]);
});

test("a page that has ended adopts nothing", async (t) => {
  withLocks(t, new Locks());
  const [a, b] = [owners(t, "a"), owners(t, "b")];
  a._hold();
  b._claim("a");
  await until(() => b.seen.length === 1);
  b._stop();
  a._stop();
  await new Promise((resolve) => setTimeout(resolve, 10));
  assert.deepEqual(b.seen, ["a lives"]);
});

for (const [name, locks] of [
  ["without locks", undefined],
  [
    "with locks that throw",
    {
      request: () => {
        throw new DOMException("opaque origin", "SecurityError");
      },
    },
  ],
  ["with locks that reject", { request: () => Promise.reject(new DOMException("no", "SecurityError")) }],
]) {
  test(`${name}, every owner is adopted at once`, async (t) => {
    withLocks(t, locks);
    const b = owners(t, "b");
    b._hold();
    b._claim("a");
    b._claim("b");
    await until(() => b.seen.length === 1);
    assert.deepEqual(b.seen, ["a adopted"]);
  });
}
