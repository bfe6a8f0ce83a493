// `batch`: one call for the messages that arrived together or waited.
import assert from "node:assert/strict";
import { test } from "node:test";
import { channel, deferred, frame, settled, subscription } from "./support/channel.mjs";
import { until } from "./support/server.mjs";

const offsets = (messages) => messages.map(({ offset }) => offset);

test("a batch has the messages of a frame", () => {
  const { c, s, calls } = channel();
  const seen = [];
  c.on("batch", (messages) => void seen.push(messages));
  s._deliver(frame(1, 4, true), 2);
  assert.deepEqual(seen, [
    [
      { id: "3-0", offset: 3, data: 3, replayed: true },
      { id: "4-0", offset: 4, data: 4, replayed: true },
    ],
  ]);
  assert.deepEqual(calls, ["subscribe", "processed 2 at 4 4-0"]);
});

test("messages that wait are one batch of at most 1,000", async () => {
  const { c, s, processed } = channel();
  const sizes = [];
  const gate = deferred();
  c.on("batch", (messages) => (sizes.push(messages.length), gate.promise));
  for (let n = 0; n < 10; n++) s._deliver(frame(n * 500 + 1, n * 500 + 500, true), 0);
  assert.deepEqual([sizes, processed()], [[500], []]);
  gate.resolve();
  await settled();
  assert.deepEqual(sizes, [500, 1000, 1000, 1000, 1000, 500]);
  assert.deepEqual([c.position.offset, processed().at(-1)], [5000, "processed 500 at 5000 5000-0"]);
});

test("a batch is processed when its promise settles", async () => {
  const { c, s, processed } = channel();
  const gate = deferred();
  c.on("batch", () => gate.promise);
  s._deliver(frame(1, 3), 0);
  await settled();
  assert.deepEqual([c.position.offset, processed()], [0, []]);
  gate.resolve();
  await settled();
  assert.deepEqual([c.position.offset, processed()], [3, ["processed 3 at 3 3-0"]]);
});

test("a gap divides batches", async () => {
  const { c, s } = channel();
  const got = [];
  const gate = deferred();
  c.on("batch", (messages) => (got.push(offsets(messages)), gate.promise));
  c.on("gap", ({ from, to }) => void got.push(`gap ${from}-${to}`));
  s._deliver(frame(1, 1), 0);
  s._deliver(frame(2, 3), 0);
  s._gap({ from: 4, to: 6, reason: "trimmed" }, { epoch: "e", offset: 6 });
  s._deliver(frame(7, 8), 0);
  gate.resolve();
  await settled();
  assert.deepEqual(got, [[1], [2, 3], "gap 4-6", [7, 8]]);
});

test("`message` listeners get a batch's messages after it", async () => {
  const { c, s, processed } = channel();
  const got = [];
  const gates = [deferred(), deferred()];
  c.on("message", ({ offset }) => (got.push(offset), offset === 2 ? gates[1].promise : undefined));
  c.on("batch", (messages) => (got.push(offsets(messages)), gates[0].promise));
  s._deliver(frame(1, 3), 0);
  await settled();
  assert.deepEqual([got, c.position.offset], [[[1, 2, 3]], 0]);
  gates[0].resolve();
  await settled();
  assert.deepEqual([got, c.position.offset], [[[1, 2, 3], 1, 2], 1]);
  gates[1].resolve();
  await settled();
  assert.deepEqual([got, c.position.offset], [[[1, 2, 3], 1, 2, 3], 3]);
  assert.match(processed().at(-1), /at 3 3-0$/);
});

test("batches and an iterator have the same messages", async () => {
  const { c, s } = channel();
  const got = [];
  c.on("batch", (messages) => void got.push(offsets(messages)));
  const iterator = c[Symbol.asyncIterator]();
  const first = iterator.next();
  s._deliver(frame(1, 2), 0);
  assert.equal((await first).value.offset, 1);
  assert.equal((await iterator.next()).value.offset, 2);
  assert.deepEqual([got, c.position.offset], [[[1, 2]], 1]);
  await iterator.return();
  assert.equal(c.position.offset, 2);
});

test("a failed batch is dispatched again", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const { c, s, processed } = channel({ redeliver: { attempts: 3, delayMs: 50 } });
  const got = [];
  const errors = [];
  c.on("error", (error, message) => errors.push([error.message, message]));
  c.on("batch", (messages) => {
    got.push(offsets(messages));
    if (got.length < 3) throw new Error("no");
  });
  s._deliver(frame(1, 2), 0);
  s._deliver(frame(3, 3), 0);
  for (const _ of [1, 2]) {
    await settled();
    t.mock.timers.tick(50);
  }
  await settled();
  assert.deepEqual(got, [[1, 2], [1, 2], [1, 2], [3]]);
  assert.deepEqual(errors, Array(2).fill(["no", undefined]));
  assert.deepEqual(processed(), ["processed 3 at 3 3-0"]);
});

test("a listener that empties its batch harms nobody", async () => {
  const { c, s } = channel({ redeliver: { attempts: 2, delayMs: 0 } });
  const seen = [];
  c.on("error", () => {});
  c.on("batch", (messages) => {
    seen.push(["first", ...offsets(messages.splice(0))]);
    throw new Error("once");
  });
  c.on("batch", (messages) => void seen.push(["second", ...offsets(messages)]));
  s._deliver(frame(1, 2), 0);
  await until(() => c.position.offset === 2);
  assert.deepEqual(seen, [
    ["first", 1, 2],
    ["second", 1, 2],
    ["first", 1, 2],
  ]);
});

test("messages wait after the last batch listener is removed", async () => {
  const { c, s } = channel();
  const got = [];
  const off = c.on("batch", (messages) => (got.push(offsets(messages)), off()));
  s._deliver(frame(1, 2), 0);
  s._deliver(frame(3, 4), 0);
  assert.deepEqual([got, c.position.offset], [[[1, 2]], 2]);
  c.on("batch", (messages) => void got.push(offsets(messages)));
  assert.deepEqual(
    [got, c.position.offset],
    [
      [
        [1, 2],
        [3, 4],
      ],
      4,
    ],
  );
});

test("closing inside a batch leaves it unprocessed", () => {
  const { c, s, processed } = channel();
  c.on("batch", () => c.close());
  s._deliver(frame(1, 2), 0);
  s._deliver(frame(3, 4), 0);
  assert.deepEqual([processed(), c.position.offset], [[], 0]);
});

test("a late handle's batches are those of its replay", () => {
  const set = subscription();
  const got = { first: [], late: [] };
  set.open({ from: "start" }).on("batch", (messages) => void got.first.push(offsets(messages)));
  set.s._deliver(frame(1, 3), 0);
  set.open({ from: { epoch: "e", offset: 1 } }).on("batch", (messages) => void got.late.push(offsets(messages)));
  set.s._deliver(frame(2, 5, true), 0);
  assert.deepEqual(got, {
    first: [
      [1, 2, 3],
      [4, 5],
    ],
    late: [[2, 3, 4, 5]],
  });
});

test("a batch listener added inside a handler gets the rest", () => {
  const { c, s } = channel();
  const got = [];
  c.on("message", ({ offset }) => {
    got.push(offset);
    if (offset === 2) c.on("batch", (messages) => void got.push(offsets(messages)));
  });
  s._deliver(frame(1, 4), 0);
  assert.deepEqual([got, c.position.offset], [[1, 2, [3, 4], 3, 4], 4]);
});
