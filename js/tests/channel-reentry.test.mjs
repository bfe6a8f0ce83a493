// Handlers that call back into their channel: unsubscribe, subscribe, close.
import assert from "node:assert/strict";
import { test } from "node:test";
import { channel, deferred, frame, settled } from "./support/channel.mjs";

test("a listener that removes itself gets no further message, and the rest waits for the next one", () => {
  const { channel: c, processed } = channel();
  const seen = [];
  const off = c.on("message", ({ offset }) => {
    seen.push(`a${offset}`);
    if (offset === 2) off();
  });
  c._deliver(frame(1, 4), 0);
  assert.deepEqual([seen, processed()], [["a1", "a2"], ["processed 2 at 2 2-0"]]);
  c.on("message", ({ offset }) => void seen.push(`b${offset}`));
  assert.deepEqual(seen, ["a1", "a2", "b3", "b4"]);
  assert.deepEqual(processed(), ["processed 2 at 2 2-0", "processed 2 at 4 4-0"]);
});

test("a listener added inside a handler gets the next message, not the one at hand", () => {
  const { channel: c } = channel();
  const seen = [];
  c.on("message", ({ offset }) => {
    seen.push(`a${offset}`);
    if (offset === 1) c.on("message", (message) => void seen.push(`b${message.offset}`));
  });
  c._deliver(frame(1, 2), 0);
  assert.deepEqual(seen, ["a1", "a2", "b2"]);
});

test("messages that arrive inside a handler come after those at hand", () => {
  const { channel: c } = channel();
  const seen = [];
  c.on("message", ({ offset }) => {
    seen.push(offset);
    if (offset === 1) c._deliver(frame(3, 3), 0);
  });
  c._deliver(frame(1, 2), 0);
  assert.deepEqual(seen, [1, 2, 3]);
});

test("messages that arrive while a handler is waited for come after it", async () => {
  const { channel: c } = channel();
  const seen = [];
  const gate = deferred();
  c.on("message", ({ offset }) => (seen.push(offset), offset === 1 ? gate.promise : undefined));
  c._deliver(frame(1, 1), 0);
  c._deliver(frame(2, 2), 0);
  c._live();
  await settled();
  assert.deepEqual(seen, [1]);
  gate.resolve();
  await settled();
  assert.deepEqual(seen, [1, 2]);
});

test("closing inside a handler ends the channel there; what was through before is still reported", () => {
  const { channel: c, calls } = channel();
  const seen = [];
  c.on("message", ({ offset }) => {
    seen.push(offset);
    if (offset === 3) c.close();
  });
  c._deliver(frame(1, 5), 0);
  c._deliver(frame(6, 6), 0);
  assert.deepEqual(seen, [1, 2, 3]);
  assert.deepEqual(calls, ["subscribe", "processed 2 at 2 2-0", "close"]);
});

test("nothing is told after a close, and nothing reported", async () => {
  const { channel: c, calls } = channel();
  const told = [];
  const gate = deferred();
  for (const event of ["message", "gap", "cast", "live"]) {
    c.on(event, () => (told.push(event), gate.promise));
  }
  c._deliver(frame(1, 2), 0);
  await settled();
  c.close();
  gate.resolve();
  c._deliver(frame(3, 3), 0);
  c._gap({ from: 4, reason: "hole" }, { epoch: "e", offset: 5 });
  c._live();
  await settled();
  assert.deepEqual([told, calls], [["message"], ["subscribe", "close"]]);
});

test("closing twice tells the client once", () => {
  const { channel: c, calls } = channel();
  c.close();
  c.close();
  assert.deepEqual(calls, ["close"]);
});

test("a closed channel publishes nothing, casts nothing, subscribes to nothing", async () => {
  const { channel: c, calls } = channel();
  c.close();
  c.cast(1);
  c.on("message", () => {});
  await assert.rejects(c.publish(1), { name: "SeamlineError", code: "closed" });
  assert.deepEqual(calls, ["close"]);
});

test("closing inside a gap listener moves nothing", () => {
  const { channel: c, processed } = channel();
  c.on("gap", () => c.close());
  c._gap({ from: 1, to: 9, reason: "trimmed" }, { epoch: "e", offset: 9 });
  assert.deepEqual(processed(), []);
});
