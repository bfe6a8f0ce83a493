// Handles that join others at a start point of their own: the subscription begins again for them, and the others drop
// what they have had.
import assert from "node:assert/strict";
import { test } from "node:test";
import { deferred, frame, settled, subscription } from "./support/channel.mjs";

/** A handle that writes down what it gets. */
function follow({ open }, options, listener = () => {}) {
  const c = open(options);
  const got = [];
  c.on("message", ({ offset }) => (got.push(offset), listener(offset)));
  c.on("gap", ({ reason, from, to }) => void got.push(`${reason} ${from}-${to ?? ""}`));
  c.on("live", () => void got.push("live"));
  return { c, got };
}

/** A subscription that is answered by `attach`, and a first handle, which is live after `1..=to`. */
function shared({ to = 3, from = "start" } = {}) {
  const set = subscription({ attached: false });
  const first = follow(set, { from });
  set.s._attached({ epoch: "e", offset: 0 });
  set.s._deliver(frame(1, to), 0);
  set.s._live();
  assert.deepEqual(first.got.splice(0), [...frame(1, to).ids.map((_, i) => i + 1), "live"]);
  set.calls.length = 0;
  return { set, first };
}

test("a late handle from the start gets everything", () => {
  const { set, first } = shared();
  const late = follow(set, { from: "start" });
  assert.deepEqual(set.calls, ["unsubscribe 1", "subscribe at start"]);
  set.s._attached({ epoch: "e", offset: 0 });
  set.s._deliver(frame(1, 2, true), 0);
  set.s._deliver(frame(3, 4, true), 0);
  set.s._live();
  set.s._deliver(frame(5, 5), 0);
  assert.deepEqual(late.got, [1, 2, 3, 4, "live", 5]);
  assert.deepEqual(first.got, [4, 5], "no message twice, and no second `live`");
  assert.deepEqual(set.processed(), ["processed 2 at 2 2-0", "processed 2 at 4 4-0", "processed 1 at 5 5-0"]);
});

test("a late handle before the others gets what follows its position", () => {
  const { set, first } = shared();
  const late = follow(set, { from: { epoch: "e", offset: 1 } });
  assert.deepEqual(set.calls, ["unsubscribe 1", "subscribe at e/1"]);
  set.s._deliver(frame(2, 3, true), 0);
  assert.deepEqual([late.got, first.got], [[2, 3], []]);
  assert.deepEqual([late.c.position.offset, first.c.position.offset], [3, 3]);
});

test("a late handle of another epoch gets a gap and everything", () => {
  const { set, first } = shared();
  const late = follow(set, { from: { epoch: "x", offset: 7 } });
  assert.deepEqual(set.calls, ["unsubscribe 1", "subscribe at start"]);
  set.s._attached({ epoch: "e", offset: 0 });
  set.s._deliver(frame(1, 4, true), 0);
  assert.deepEqual([late.got, first.got], [["epoch_changed 8-", 1, 2, 3, 4], [4]]);
});

test("a handle ahead of a replay skips until its position", () => {
  const set = subscription();
  const first = follow(set, { from: "start" });
  set.s._deliver(frame(1, 2, true), 0);
  const ahead = follow(set, { from: { epoch: "e", offset: 4 } });
  assert.deepEqual(set.calls.slice(1), ["processed 2 at 2 2-0"], "nothing is requested again");
  set.s._deliver(frame(3, 5, true), 0);
  assert.deepEqual([first.got, ahead.got], [[1, 2, 3, 4, 5], [5]]);
  assert.deepEqual(set.processed().at(-1), "processed 3 at 5 5-0");
});

test("a position ahead of a live stream is verified", () => {
  for (const [head, got] of [
    [3, ["rewound 4-9", "live", 4]],
    [9, ["live", 10]],
  ]) {
    const { set, first } = shared();
    const ahead = follow(set, { from: { epoch: "e", offset: 9 } });
    assert.deepEqual(set.calls, ["unsubscribe 1", "subscribe at e/3"]);
    if (head > 3) set.s._deliver(frame(4, head, true), 0);
    set.s._live();
    set.s._deliver(frame(head + 1, head + 1), 0);
    assert.deepEqual(ahead.got, got);
    assert.deepEqual(first.got.at(-1), head + 1);
  }
});

test("different start points wait for the server's answer", () => {
  for (const from of ["start", { epoch: "e", offset: 2 }, { epoch: "e", offset: 5 }]) {
    const set = subscription({ attached: false });
    const first = follow(set);
    const other = follow(set, { from });
    assert.deepEqual(set.calls, ["subscribe"]);
    set.s._attached({ epoch: "e", offset: 5 });
    const at = typeof from === "object" ? from.offset : 0;
    if (from === "start") set.s._attached({ epoch: "e", offset: 0 });
    if (at < 5) set.s._deliver(frame(at + 1, 5, true), 0);
    set.s._deliver(frame(6, 6), 0);
    assert.deepEqual(first.got, [6]);
    assert.deepEqual(other.got, frame(at + 1, 6).data);
  }
});

test("a position joins before the answer to `start`", () => {
  for (const [position, first, got] of [
    [{ epoch: "e", offset: 2 }, 0, [3, 4]],
    [{ epoch: "e", offset: 1 }, 2, ["trimmed 2-2", 3, 4]],
    [{ epoch: "x", offset: 1 }, 2, ["epoch_changed 2-", 3, 4]],
  ]) {
    const set = subscription({ attached: false });
    follow(set, { from: "start" });
    const other = follow(set, { from: position });
    set.s._attached({ epoch: "e", offset: first });
    set.s._deliver(frame(first + 1, 4, true), 0);
    assert.deepEqual(
      [other.got, set.calls.filter((call) => call.startsWith("subscribe"))],
      [got, ["subscribe at start"]],
    );
  }
});

test("an earlier position begins again before any answer", () => {
  const set = subscription({ attached: false });
  const later = follow(set, { from: { epoch: "e", offset: 5 } });
  const earlier = follow(set, { from: { epoch: "e", offset: 3 } });
  assert.deepEqual(set.calls, ["subscribe at e/5", "unsubscribe 1", "subscribe at e/3"]);
  set.s._deliver(frame(4, 6, true), 0);
  assert.deepEqual([later.got, earlier.got], [[6], [4, 5, 6]]);
});

test("start points of one turn make one request", async () => {
  const set = subscription({ attached: false, soon: queueMicrotask });
  const handles = [5, 3, 4].map((offset) => follow(set, { from: { epoch: "e", offset } }));
  await settled();
  assert.deepEqual(set.calls, ["subscribe at e/3"]);
  set.s._deliver(frame(4, 6, true), 0);
  assert.deepEqual(
    handles.map(({ got }) => got),
    [[6], [4, 5, 6], [5, 6]],
  );
});

test("a handle that joins inside a handler loses nothing", () => {
  const set = subscription({ attached: false });
  let late;
  const first = follow(set, { from: "start" }, (offset) => {
    if (offset === 2) late = follow(set, { from: "start" });
  });
  const second = follow(set, { from: "start" });
  set.s._attached({ epoch: "e", offset: 0 });
  set.s._deliver(frame(1, 3, true), 0);
  assert.deepEqual([first.got, second.got, late.got], [[1, 2, 3], [1, 2, 3], []], "all of the frame had arrived");
  set.s._attached({ epoch: "e", offset: 0 });
  set.s._deliver(frame(1, 4, true), 0);
  assert.deepEqual(
    [first.got, second.got, late.got],
    [
      [1, 2, 3, 4],
      [1, 2, 3, 4],
      [1, 2, 3, 4],
    ],
  );
  // Of the first stream, not every handle has processed a message.
  assert.deepEqual(set.calls, ["subscribe at start", "unsubscribe 1", "subscribe at start", "processed 4 at 4 4-0"]);
});

test("what waits for an async handler is not emitted twice", async () => {
  const { set } = shared();
  const gate = deferred();
  const slow = follow(set, {}, (offset) => (offset === 4 ? gate.promise : undefined));
  slow.got.length = 0;
  set.s._deliver(frame(4, 5), 0);
  const late = follow(set, { from: "start" });
  set.s._attached({ epoch: "e", offset: 0 });
  set.s._deliver(frame(1, 6, true), 0);
  await settled();
  assert.deepEqual([slow.got, late.got], [[4], [1, 2, 3, 4, 5, 6]]);
  const before = set.processed().length;
  gate.resolve();
  await settled();
  assert.deepEqual(slow.got, [4, 5, 6]);
  assert.deepEqual(set.processed().slice(before), ["processed 6 at 6 6-0"], "only what the new stream has delivered");
});

test("an epoch that changed meanwhile is a gap", () => {
  const { set, first } = shared();
  const late = follow(set, { from: "start" });
  set.s._attached({ epoch: "f", offset: 0 });
  set.s._deliver(frame(1, 1, true), 0);
  assert.deepEqual([first.got, late.got], [["epoch_changed 4-", 1], [1]]);
  assert.deepEqual(first.c.position, { epoch: "f", offset: 1, id: "1-0" });
});

test("an epoch that changes during a replay is a gap for each", () => {
  const { set, first } = shared();
  const late = follow(set, { from: "start" });
  set.s._attached({ epoch: "e", offset: 0 });
  set.s._deliver(frame(1, 1, true), 0);
  set.s._gap({ from: 2, reason: "epoch_changed" }, { epoch: "f", offset: 0 });
  set.s._deliver(frame(1, 1, true), 0);
  assert.deepEqual(
    [first.got, late.got],
    [
      ["epoch_changed 4-", 1],
      [1, "epoch_changed 2-", 1],
    ],
  );
});

test("a log that was rewound meanwhile is a gap", () => {
  const { set, first } = shared();
  const late = follow(set, { from: "start" });
  set.s._attached({ epoch: "e", offset: 0 });
  set.s._deliver(frame(1, 2, true), 0);
  set.s._live();
  set.s._deliver(frame(3, 3), 0);
  assert.deepEqual(
    [first.got, late.got],
    [
      ["rewound 3-3", 3],
      [1, 2, "live", 3],
    ],
  );
});

test("a log that was rewound and grew again is a gap", () => {
  const { set, first } = shared();
  const late = follow(set, { from: "start" });
  set.s._attached({ epoch: "e", offset: 0 });
  const other = frame(1, 4, true);
  other.ids[2] = "9-0";
  set.s._deliver(other, 0);
  assert.deepEqual(
    [first.got, late.got],
    [
      ["rewound 1-3", 4],
      [1, 2, 3, 4],
    ],
    "since when is unknown",
  );
});

test("a log that is rewound during a replay is a gap for each", () => {
  const { set, first } = shared();
  const late = follow(set, { from: "start" });
  set.s._attached({ epoch: "e", offset: 0 });
  set.s._deliver(frame(1, 2, true), 0);
  set.s._gap({ from: 2, to: 2, reason: "rewound" }, { epoch: "e", offset: 1 });
  set.s._deliver(frame(2, 2, true), 0);
  assert.deepEqual(
    [first.got, late.got],
    [
      ["rewound 2-3", 2],
      [1, 2, "rewound 2-2", 2],
    ],
  );
});

test("gaps that a handle has passed are not its own", () => {
  const { set, first } = shared({ to: 5 });
  const late = follow(set, { from: { epoch: "e", offset: 1 } });
  set.s._gap({ from: 2, to: 3, reason: "trimmed" }, { epoch: "e", offset: 3 });
  set.s._deliver(frame(4, 5, true), 0);
  set.s._gap({ from: 6, to: 7, reason: "hole" }, { epoch: "e", offset: 7 });
  assert.deepEqual([first.got, late.got], [["hole 6-7"], ["trimmed 2-3", 4, 5, "hole 6-7"]]);
  assert.deepEqual(set.processed(), ["processed 0 at 3 -", "processed 2 at 5 5-0", "processed 0 at 7 -"]);
});

test("a gap reaches beyond what a handle has had", () => {
  const { set, first } = shared();
  const late = follow(set, { from: { epoch: "e", offset: 1 } });
  set.s._gap({ from: 2, to: 7, reason: "trimmed" }, { epoch: "e", offset: 7 });
  assert.deepEqual([first.got, late.got], [["trimmed 4-7"], ["trimmed 2-7"]]);
});

test("a handle without `from` begins where the others are", () => {
  const { set } = shared();
  follow(set, { from: "start" });
  set.s._attached({ epoch: "e", offset: 0 });
  set.s._deliver(frame(1, 1, true), 0);
  const third = follow(set);
  assert.equal(third.c.position.offset, 3, "not where the replay for the second one is");
  set.s._deliver(frame(2, 4, true), 0);
  assert.deepEqual(third.got, [4]);
});

test("a handle at the tail waits for another one's replay", () => {
  const { set } = shared();
  follow(set, { from: "start" });
  set.s._attached({ epoch: "e", offset: 0 });
  const tail = follow(set, { from: "tail" });
  set.s._deliver(frame(1, 4, true), 0);
  set.s._live();
  set.s._deliver(frame(5, 5), 0);
  assert.deepEqual(tail.got, ["live", 5]);
});

test("`live` is emitted to all after a reconnect", () => {
  const { set, first } = shared();
  follow(set, { from: "start" });
  set.s._attached({ epoch: "e", offset: 0 });
  set.connection.connects++;
  set.s._deliver(frame(1, 3, true), 0);
  set.s._live();
  assert.deepEqual(first.got, ["live"]);
  follow(set, { from: "start" });
  set.s._attached({ epoch: "e", offset: 0 });
  set.s._deliver(frame(1, 3, true), 0);
  set.s._live();
  set.s._live();
  assert.deepEqual(first.got, ["live", "live"], "once for the last one, which is the server's own");
});

test("handles that join a live channel in one turn get `live`", async () => {
  const set = subscription({ soon: queueMicrotask });
  follow(set);
  await settled();
  set.s._deliver(frame(1, 2), 0);
  set.s._live();
  const handles = [follow(set, { from: "tail" }), follow(set, { from: "start" })];
  await settled();
  set.s._deliver(frame(1, 2, true), 0);
  set.s._live();
  assert.deepEqual(
    handles.map(({ got }) => got),
    [["live"], [1, 2, "live"]],
  );
});

test("a handle for casts that asks for messages gets `live` again", () => {
  const { set } = shared();
  const c = set.open({ from: "start" });
  const got = [];
  c.on("live", () => got.push("live"));
  c.on("message", ({ offset }) => void got.push(offset));
  set.s._attached({ epoch: "e", offset: 0 });
  set.s._deliver(frame(1, 3, true), 0);
  set.s._live();
  assert.deepEqual(got, ["live", 1, 2, 3, "live"]);
});

test("the plain dialect refuses what it cannot replay", () => {
  const code = "not_supported";
  const message =
    'cannot start channel "c" at `from`: in the plain dialect, only one handle can; omit `from`, or use another client';
  for (const from of ["start", { epoch: "e", offset: 1 }, { epoch: "e", offset: 3 }, { epoch: "f", offset: 2 }]) {
    const set = subscription({ replays: false });
    follow(set, { from: "start" });
    set.s._deliver(frame(1, 2), 0);
    const late = set.open({ from });
    const seen = [];
    assert.throws(() => late.on("message", () => seen.push(1)), { code, message });
    set.s._deliver(frame(3, 3), 0);
    assert.deepEqual(seen, [], "nor is the listener kept");
  }
  const set = subscription({ replays: false, attached: false });
  follow(set);
  assert.throws(() => follow(set, { from: "start" }), { code });
  assert.throws(() => follow(set, { from: { epoch: "e", offset: 1 } }), { code });
});
