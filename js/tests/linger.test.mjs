// After its last handle, a subscription stays for a second: a handle that is opened meanwhile continues on it.
import assert from "node:assert/strict";
import { test } from "node:test";
import { frame, settled, subscription } from "./support/channel.mjs";

function setUp(t, behavior) {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const set = subscription(behavior);
  const follow = (options) => {
    const c = set.open(options);
    const got = [];
    c.on("message", ({ offset }) => void got.push(offset));
    c.on("gap", ({ reason, from }) => void got.push(`${reason} ${from}`));
    return { c, got };
  };
  return { ...set, follow, tick: (ms) => t.mock.timers.tick(ms) };
}

test("a subscription ends a second after its last handle", (t) => {
  const { follow, calls, tick } = setUp(t);
  follow().c.close();
  tick(999);
  assert.deepEqual(calls, ["subscribe"]);
  tick(1);
  assert.deepEqual(calls, ["subscribe", "unsubscribe 1", "end"]);
});

test("a handle within a second continues without a request", (t) => {
  const { s, follow, calls, tick } = setUp(t);
  const first = follow();
  s._deliver(frame(1, 2), 0);
  first.c.close();
  tick(999);
  const second = follow();
  assert.equal(second.c.position.offset, 2);
  tick(5000);
  s._deliver(frame(3, 3), 0);
  assert.deepEqual([first.got, second.got], [[1, 2], [3]]);
  assert.deepEqual(calls, ["subscribe", "processed 2 at 2 2-0", "processed 1 at 3 3-0"]);
});

test("its end reports what the last handle had processed", (t) => {
  const { s, follow, left, tick } = setUp(t);
  follow({ from: "start" }).c.close();
  tick(1000);
  const { c } = follow();
  s._deliver(frame(1, 2), 0);
  c.close();
  s._deliver(frame(3, 3), 0);
  tick(1000);
  assert.deepEqual(left, [
    { epoch: "e", offset: 0 },
    { epoch: "e", offset: 2, id: "2-0" },
  ]);
});

test("each end has its own second", (t) => {
  const { follow, calls, tick } = setUp(t);
  follow().c.close();
  tick(900);
  follow().c.close();
  tick(900);
  assert.deepEqual(calls, ["subscribe"]);
  tick(100);
  assert.deepEqual(calls, ["subscribe", "unsubscribe 1", "end"]);
});

test("messages that came meanwhile are requested again", (t) => {
  const { s, follow, calls } = setUp(t);
  const first = follow({ from: "start" });
  s._deliver(frame(1, 2), 0);
  first.c.close();
  s._deliver(frame(3, 4), 0);
  const second = follow();
  assert.deepEqual(calls.slice(-2), ["unsubscribe 1", "subscribe at e/2"]);
  s._deliver(frame(3, 5, true), 0);
  assert.deepEqual(second.got, [3, 4, 5]);
});

test("a handle closed in the same turn loses nothing", async (t) => {
  const { s, follow, calls, tick } = setUp(t, { soon: queueMicrotask });
  const first = follow();
  await settled();
  s._deliver(frame(1, 2), 0);
  first.c.close();
  s._deliver(frame(3, 4), 0);
  follow().c.close();
  await settled();
  assert.deepEqual(calls.slice(-1), ["unsubscribe 1"]);
  const next = follow();
  await settled();
  assert.deepEqual(calls.slice(-1), ["subscribe at e/2"]);
  s._deliver(frame(3, 5, true), 0);
  assert.deepEqual(next.got, [3, 4, 5]);
  next.c.close();
  tick(1000);
  assert.deepEqual(calls.slice(-2), ["unsubscribe 2", "end"]);
});

test("messages that were not processed are requested again", (t) => {
  const { s, open, follow, calls } = setUp(t);
  const slow = open();
  slow.on("message", () => new Promise(() => {}));
  s._deliver(frame(1, 2), 0);
  slow.close();
  const next = follow();
  assert.deepEqual(calls.slice(-1), ["subscribe at e/0"]);
  s._deliver(frame(1, 2, true), 0);
  assert.deepEqual(next.got, [1, 2]);
});

test("a handle closed before the answer loses nothing", (t) => {
  const { s, follow, calls } = setUp(t, { attached: false });
  follow().c.close();
  s._attached({ epoch: "e", offset: 3 });
  s._deliver(frame(4, 5, true), 0);
  const next = follow();
  assert.deepEqual(calls, ["subscribe", "unsubscribe 1", "subscribe at e/3"]);
  s._deliver(frame(4, 6, true), 0);
  assert.deepEqual(next.got, [4, 5, 6]);
});

test("an epoch that changed meanwhile is a gap", (t) => {
  const { s, follow, calls } = setUp(t);
  const first = follow({ from: "start" });
  s._deliver(frame(1, 2), 0);
  first.c.close();
  s._gap({ from: 3, reason: "epoch_changed" }, { epoch: "f", offset: 0 });
  const second = follow();
  assert.deepEqual(calls.at(-1), "subscribe at e/2", "the server's answer is a gap");
  s._gap({ from: 3, reason: "epoch_changed" }, { epoch: "f", offset: 0 });
  s._deliver(frame(1, 1, true), 0);
  assert.deepEqual(second.got, ["epoch_changed 3", 1]);
});

test("a requested start point decides within the second", (t) => {
  for (const [from, last] of [
    ["start", "subscribe at start"],
    [{ epoch: "e", offset: 1 }, "subscribe at e/1"],
    [{ epoch: "e", offset: 3 }, "processed 0"],
    ["tail", "processed 0"],
  ]) {
    const { s, follow, calls } = setUp(t);
    follow({ from: "start" }).c.close();
    s._deliver(frame(1, 3), 0);
    s._live();
    const next = follow({ from });
    if (last.startsWith("subscribe")) assert.equal(calls.at(-1), last);
    else {
      assert.deepEqual(calls.slice(1), ["processed 3 at 3 3-0"], "what nobody processed makes room");
      s._deliver(frame(4, 4), 0);
      assert.deepEqual(next.got, [4]);
    }
    t.mock.timers.reset();
  }
});

test("the plain dialect continues within the second, too", (t) => {
  const { s, follow, calls } = setUp(t, { replays: false });
  follow().c.close();
  s._deliver(frame(1, 3), 0);
  const next = follow();
  assert.equal(calls.at(-1), "subscribe at e/0");
  s._deliver(frame(1, 4, true), 0);
  assert.deepEqual(next.got, [1, 2, 3, 4]);
});

test("handles for casts do not keep the messages", (t) => {
  const { follow, open, calls, tick } = setUp(t);
  follow().c.close();
  const casts = open();
  casts.on("cast", () => {});
  tick(1000);
  assert.deepEqual(calls, ["subscribe", "unsubscribe 1", "subscribe to casts"]);
  casts.close();
  tick(500);
  open().on("cast", () => {});
  tick(5000);
  assert.deepEqual(calls.slice(3), [], "nor is a subscription for casts made again");
});

test("the end of the client ends it at once", async (t) => {
  const { s, follow, calls, tick } = setUp(t);
  follow().c.close();
  s._end();
  assert.deepEqual(calls, ["subscribe", "unsubscribe 1", "end"]);
  tick(5000);
  await settled();
  assert.equal(calls.length, 3);
});
