// Handlers that call back into their channel: unsubscribe, subscribe, close.
import assert from "node:assert/strict";
import { test } from "node:test";
import { channel, deferred, frame, settled } from "./support/channel.mjs";

test("messages wait after a listener removes itself", async () => {
  const { c, s, processed } = channel();
  const seen = [];
  const off = c.on("message", ({ offset }) => {
    seen.push(`a${offset}`);
    if (offset === 2) off();
  });
  s._deliver(frame(1, 4), 0);
  assert.deepEqual([seen, processed()], [["a1", "a2"], ["processed 2 at 2 2-0"]]);
  c.on("message", ({ offset }) => void seen.push(`b${offset}`));
  assert.deepEqual(seen, ["a1", "a2", "b3", "b4"]);
  await settled();
  assert.deepEqual(processed(), ["processed 2 at 2 2-0", "processed 2 at 4 4-0"]);
});

test("a listener added inside a handler gets the next message", () => {
  const { c, s } = channel();
  const seen = [];
  c.on("message", ({ offset }) => {
    seen.push(`a${offset}`);
    if (offset === 1) c.on("message", (message) => void seen.push(`b${message.offset}`));
  });
  s._deliver(frame(1, 2), 0);
  assert.deepEqual(seen, ["a1", "a2", "b2"]);
});

test("messages that arrive inside a handler are queued", () => {
  const { c, s } = channel();
  const seen = [];
  c.on("message", ({ offset }) => {
    seen.push(offset);
    if (offset === 1) s._deliver(frame(3, 3), 0);
  });
  s._deliver(frame(1, 2), 0);
  assert.deepEqual(seen, [1, 2, 3]);
});

test("messages that arrive during an async handler are queued", async () => {
  const { c, s } = channel();
  const seen = [];
  const gate = deferred();
  c.on("message", ({ offset }) => (seen.push(offset), offset === 1 ? gate.promise : undefined));
  s._deliver(frame(1, 1), 0);
  s._deliver(frame(2, 2), 0);
  s._live();
  await settled();
  assert.deepEqual(seen, [1]);
  gate.resolve();
  await settled();
  assert.deepEqual(seen, [1, 2]);
});

test("closing inside a handler reports what was processed before", (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const { c, s, calls } = channel();
  const seen = [];
  c.on("message", ({ offset }) => {
    seen.push(offset);
    if (offset === 3) c.close();
  });
  s._deliver(frame(1, 5), 0);
  s._deliver(frame(6, 6), 0);
  assert.deepEqual(seen, [1, 2, 3]);
  t.mock.timers.tick(1000);
  assert.deepEqual(calls, ["subscribe", "processed 2 at 2 2-0", "unsubscribe 1", "end"]);
});

test("nothing is emitted or reported after close", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const { c, s, calls } = channel();
  const emitted = [];
  const gate = deferred();
  for (const event of ["message", "gap", "cast", "live"]) {
    c.on(event, () => (emitted.push(event), gate.promise));
  }
  s._deliver(frame(1, 2), 0);
  await settled();
  c.close();
  gate.resolve();
  s._deliver(frame(3, 3), 0);
  s._gap({ from: 4, reason: "hole" }, { epoch: "e", offset: 5 });
  s._live();
  t.mock.timers.tick(1000);
  await settled();
  assert.deepEqual([emitted, calls], [["message"], ["subscribe", "unsubscribe 1", "end"]]);
});

test("closing twice ends the subscription once", (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const { c, calls } = channel();
  c.on("message", () => {});
  c.close();
  c.close();
  t.mock.timers.tick(1000);
  assert.deepEqual(calls, ["subscribe", "unsubscribe 1", "end"]);
});

test("a closed handle neither casts, subscribes nor publishes", async () => {
  const { c, calls } = channel();
  c.close();
  c.cast(1);
  c.on("message", () => {});
  await c.publish(1);
  assert.deepEqual(calls, ["publish 1 - closed"]);
});

test("closing inside a gap listener keeps the position", () => {
  const { c, s, processed } = channel();
  c.on("gap", () => c.close());
  s._gap({ from: 1, to: 9, reason: "trimmed" }, { epoch: "e", offset: 9 });
  assert.deepEqual(processed(), []);
});
