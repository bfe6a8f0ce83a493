// Handles of one name: each has its own listeners, position and end, and all share one subscription.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Dispatcher, deferred, frame, settled, subscription } from "./support/channel.mjs";
import { until } from "./support/server.mjs";

/** A handle that writes down the offsets it is given. */
function follow({ open }, options, listener = () => {}) {
  const c = open(options);
  const seen = [];
  c.on("message", ({ offset }) => (seen.push(offset), listener(offset)));
  return { c, seen };
}

test("two handles share one subscription", () => {
  const set = subscription();
  const [a, b] = [follow(set), follow(set)];
  set.s._deliver(frame(1, 3), 0);
  assert.deepEqual(
    [a.seen, b.seen],
    [
      [1, 2, 3],
      [1, 2, 3],
    ],
  );
  assert.deepEqual(set.calls, ["subscribe", "processed 3 at 3 3-0"]);
});

test("closing one handle keeps the other's subscription", (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const set = subscription();
  const [a, b] = [follow(set), follow(set)];
  set.s._deliver(frame(1, 1), 0);
  a.c.close();
  set.s._deliver(frame(2, 2), 0);
  assert.deepEqual([a.seen, b.seen], [[1], [1, 2]]);
  assert.ok(!set.calls.some((call) => call.startsWith("unsubscribe")));
  b.c.close();
  t.mock.timers.tick(1000);
  assert.deepEqual(set.calls.slice(-2), ["unsubscribe 1", "end"]);
});

test("close() inside a handler does not affect other handles", () => {
  const set = subscription();
  const a = follow(set, {}, () => a.c.close());
  const b = follow(set);
  set.s._deliver(frame(1, 2), 0);
  assert.deepEqual([a.seen, b.seen, set.processed()], [[1], [1, 2], ["processed 2 at 2 2-0"]]);
});

test("only what every handle has processed is acknowledged", async () => {
  const set = subscription();
  const gates = [deferred(), deferred(), deferred()];
  const slow = follow(set, {}, (offset) => gates[offset - 1].promise);
  const fast = follow(set);
  set.s._deliver(frame(1, 3), 0);
  await settled();
  assert.deepEqual([slow.seen, fast.seen, set.processed()], [[1], [1, 2, 3], []]);
  assert.deepEqual([slow.c.position.offset, fast.c.position.offset], [0, 3]);
  gates[0].resolve();
  await settled();
  await until(() => set.processed().length > 0);
  assert.deepEqual(set.processed(), ["processed 1 at 1 1-0"]);
  slow.c.close();
  assert.deepEqual(set.processed(), ["processed 1 at 1 1-0", "processed 2 at 3 3-0"], "the other one was further");
});

test("many handles are reported once a frame", async () => {
  const set = subscription();
  const COUNT = 200;
  let reads = 0;
  for (let i = 0; i < COUNT; i++) {
    const handle = new Dispatcher(`${i}`, {}, console);
    handle._events.on("message", i % 2 ? async () => {} : () => {});
    const steps = { value: 0 };
    Object.defineProperty(handle, "_steps", {
      get: () => (reads++, steps.value),
      set: (value) => void (steps.value = value),
    });
    set.s._join(handle, true);
  }
  const before = reads;
  for (let n = 1; n <= 3; n++) {
    set.s._deliver(frame(n, n), 0);
    await settled();
  }
  assert.deepEqual(set.processed(), ["processed 1 at 1 1-0", "processed 1 at 2 2-0", "processed 1 at 3 3-0"]);
  assert.ok(reads - before < 3 * COUNT * 10, `${reads - before} reads`);
});

test("a gap is processed when every handle has passed it", async () => {
  const set = subscription();
  const gate = deferred();
  const slow = follow(set, {}, () => gate.promise);
  const fast = follow(set);
  const gaps = [];
  for (const { c } of [slow, fast]) c.on("gap", (gap) => gaps.push(gap));
  set.s._deliver(frame(1, 1), 0);
  set.s._gap({ from: 2, to: 9, reason: "trimmed" }, { epoch: "e", offset: 9 });
  await settled();
  assert.deepEqual([gaps.length, fast.c.position.offset, set.processed()], [1, 9, []]);
  gate.resolve();
  await settled();
  assert.deepEqual([gaps.length, set.processed()], [2, ["processed 1 at 1 1-0", "processed 0 at 9 -"]]);
});

test("each handle has its own listeners", () => {
  const set = subscription();
  const failing = follow(set, {}, () => {
    throw new Error("no");
  });
  const errors = [];
  failing.c.on("error", (error) => errors.push(error.message));
  const other = follow(set);
  other.c.on("error", (error) => errors.push(`other: ${error.message}`));
  set.s._deliver(frame(1, 2), 0);
  assert.deepEqual(
    [errors, other.seen],
    [
      ["no", "no"],
      [1, 2],
    ],
  );
});

test("casts, `live` and errors reach every handle", () => {
  const set = subscription();
  const emitted = [];
  for (const name of ["a", "b"]) {
    const c = set.open();
    for (const event of ["cast", "live", "error"]) c.on(event, () => emitted.push(`${name} ${event}`));
  }
  set.s._cast(1);
  set.s._live();
  set.s._error(new Error("refused"));
  assert.deepEqual(emitted, ["a cast", "b cast", "a live", "b live", "a error", "b error"]);
});

test("a handle closed by another's listener emits nothing", () => {
  for (const [event, happen] of [
    ["cast", (s) => s._cast(1)],
    ["error", (s) => s._error(new Error("refused"))],
  ]) {
    const { s, open, logged } = subscription();
    const [first, second] = [open(), open()];
    const got = [];
    first.on(event, () => second.close());
    second.on(event, () => got.push(event));
    for (const handle of [first, second]) handle.on("live", () => {});
    happen(s);
    assert.deepEqual([got, logged], [[], []]);
  }
});

test("a handle without `from` joins at the current position", () => {
  const set = subscription();
  follow(set, { from: "start" });
  set.s._deliver(frame(1, 2), 0);
  const late = follow(set);
  assert.deepEqual(late.c.position, { epoch: "e", offset: 2, id: "2-0" });
  set.s._deliver(frame(3, 3), 0);
  assert.deepEqual([late.seen, set.processed()], [[3], ["processed 2 at 2 2-0", "processed 1 at 3 3-0"]]);
});

test("a handle opened inside a handler starts after that frame", () => {
  const set = subscription();
  let late;
  follow(set, {}, () => (late ??= follow(set)) && undefined);
  set.s._deliver(frame(1, 2), 0);
  set.s._deliver(frame(3, 3), 0);
  assert.deepEqual([late.seen, set.processed().at(-1)], [[3], "processed 1 at 3 3-0"]);
});

test("handles with the same start point share it", () => {
  for (const from of ["start", "tail", { epoch: "e", offset: 0 }]) {
    const set = subscription();
    const [a, b] = [follow(set, { from }), follow(set, { from })];
    set.s._deliver(frame(1, 1), 0);
    assert.deepEqual([a.seen, b.seen], [[1], [1]]);
  }
});

test("a handle may join at the exact current position", () => {
  const set = subscription();
  const first = follow(set, { from: "start" });
  set.s._deliver(frame(1, 2), 0);
  const second = follow(set, { from: first.c.position });
  set.s._deliver(frame(3, 3), 0);
  assert.deepEqual(second.seen, [3]);
});

test("a handle at the tail starts after the replay", () => {
  const set = subscription();
  follow(set, { from: "start" });
  set.s._deliver(frame(1, 2, true), 0);
  const late = follow(set, { from: "tail" });
  set.s._deliver(frame(3, 4, true), 0);
  assert.deepEqual(set.processed().at(-1), "processed 2 at 4 4-0", "it holds up nobody");
  set.s._live();
  assert.equal(late.c.position.offset, 4);
  const later = follow(set, { from: "tail" });
  set.s._deliver(frame(5, 5), 0);
  assert.deepEqual([late.seen, later.seen], [[5], [5]]);
});

test("a handle waiting for the tail starts after the other closes", () => {
  const set = subscription();
  const first = follow(set, { from: "start" });
  set.s._deliver(frame(1, 2, true), 0);
  const late = follow(set, { from: "tail" });
  first.c.close();
  assert.deepEqual(set.calls.slice(-2), ["unsubscribe 1", "subscribe at tail"]);
  set.s._deliver(frame(1, 1), 0);
  assert.deepEqual([late.seen, set.processed().at(-1)], [[1], "processed 1 at 1 1-0"]);
});

test("a handle that joins a live channel gets `live`", async () => {
  const set = subscription({ soon: queueMicrotask });
  follow(set);
  await settled();
  set.s._live();
  const emitted = [];
  set.open().on("live", () => emitted.push("live"));
  assert.deepEqual(emitted, []);
  await settled();
  assert.deepEqual(emitted, ["live"]);
});

test("a handle that joins a refused channel gets the error", async () => {
  const set = subscription({ soon: queueMicrotask });
  const join = async () => {
    const c = set.open();
    const emitted = [];
    c.on("error", (error) => emitted.push(error.message));
    c.on("live", () => emitted.push("live"));
    await settled();
    return emitted;
  };
  assert.deepEqual(await join(), []);
  set.s._error(new Error("forbidden"));
  assert.deepEqual(await join(), ["forbidden"]);
  set.s._live();
  set.s._error(new Error("of a cast"));
  assert.deepEqual(await join(), ["live"]);
});

test("a later message listener upgrades the subscription", async () => {
  const set = subscription({ soon: queueMicrotask });
  const c = set.open({ from: "start" });
  c.on("live", () => {});
  await settled();
  const seen = [];
  c.on("message", ({ offset }) => void seen.push(offset));
  await settled();
  set.s._deliver(frame(1, 2), 0);
  assert.deepEqual(set.calls, ["subscribe to casts", "unsubscribe 1", "subscribe at start", "processed 2 at 2 2-0"]);
  assert.deepEqual(seen, [1, 2]);
});

test("the subscription falls back to casts without message handles", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const set = subscription({ soon: queueMicrotask });
  const { c } = follow(set);
  set.open().on("cast", () => {});
  await settled();
  c.close();
  t.mock.timers.tick(999);
  assert.deepEqual(set.calls, ["subscribe"]);
  t.mock.timers.tick(1);
  await settled();
  assert.deepEqual(set.calls, ["subscribe", "unsubscribe 1", "subscribe to casts"]);
});

test("listeners added in one turn make one subscription", async () => {
  const set = subscription({ soon: queueMicrotask });
  const c = set.open();
  c.on("live", () => {});
  c.on("cast", () => {});
  c.on("message", () => {});
  assert.deepEqual(set.calls, []);
  await settled();
  assert.deepEqual(set.calls, ["subscribe"]);
});

test("a handle closed in the same turn does not subscribe", async () => {
  const set = subscription({ soon: queueMicrotask });
  const { c } = follow(set);
  c.close();
  await settled();
  assert.deepEqual(set.calls, ["end"]);
});
