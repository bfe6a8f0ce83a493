// Gaps: emitted before later messages, which wait for the listeners.
import assert from "node:assert/strict";
import { test } from "node:test";
import { channel, deferred, frame, settled } from "./support/channel.mjs";

const GAP = { from: 3, to: 9, reason: "trimmed" };

test("a gap is emitted in order with the messages", async () => {
  const { c, s, processed } = channel();
  const emitted = [];
  const gate = deferred();
  c.on("message", ({ offset }) => (emitted.push(offset), offset === 2 ? gate.promise : undefined));
  c.on("gap", (gap) => void emitted.push(gap));
  s._deliver(frame(1, 2), 0);
  s._gap(GAP, { epoch: "e", offset: 9 });
  s._deliver(frame(10, 10), 0);
  await settled();
  assert.deepEqual(emitted, [1, 2], "the gap waits for the message before it");
  gate.resolve();
  await settled();
  assert.deepEqual(emitted, [1, 2, GAP, 10]);
  assert.deepEqual(processed().slice(-2), ["processed 0 at 9 -", "processed 1 at 10 10-0"]);
});

test("messages wait for a gap listener's promise", async () => {
  const { c, s, processed } = channel();
  const seen = [];
  const gate = deferred();
  c.on("gap", () => gate.promise);
  c.on("message", ({ offset }) => void seen.push(offset));
  s._gap(GAP, { epoch: "e", offset: 9 });
  s._deliver(frame(10, 10), 0);
  await settled();
  assert.deepEqual([seen, processed(), c.position.offset], [[], [], 0]);
  gate.resolve();
  await settled();
  assert.deepEqual([seen, c.position.offset], [[10], 10]);
});

test("a gap listener may return any thenable", async () => {
  const { c, s } = channel();
  const seen = [];
  let settle;
  // biome-ignore lint/suspicious/noThenProperty: a thenable that is no promise
  c.on("gap", () => ({ then: (done) => (settle = done) }));
  c.on("message", ({ offset }) => void seen.push(offset));
  s._gap(GAP, { epoch: "e", offset: 9 });
  s._deliver(frame(10, 10), 0);
  await settled();
  assert.deepEqual(seen, []);
  settle();
  await settled();
  assert.deepEqual(seen, [10]);
});

for (const [how, listener] of [
  [
    "throws",
    () => {
      throw new Error("no");
    },
  ],
  ["rejects", () => Promise.reject(new Error("no"))],
]) {
  test(`a gap listener that ${how} is reported, and the channel continues`, async () => {
    const { c, s } = channel();
    const seen = [];
    const errors = [];
    c.on("error", (error) => errors.push(error.message));
    c.on("gap", listener);
    c.on("message", ({ offset }) => void seen.push(offset));
    s._gap(GAP, { epoch: "e", offset: 9 });
    s._deliver(frame(10, 10), 0);
    await settled();
    assert.deepEqual([seen, errors], [[10], ["no"]]);
  });
}

test("a gap moves the position to where the channel continues", () => {
  const { c, s, processed } = channel();
  c.on("message", () => {});
  c.on("gap", () => {});
  s._deliver(frame(1, 1), 0);
  s._gap({ from: 2, reason: "epoch_changed" }, { epoch: "f", offset: 0 });
  assert.deepEqual(c.position, { epoch: "f", offset: 0 });
  assert.equal(c.lastMessageId, undefined);
  s._deliver(frame(1, 1), 0);
  assert.deepEqual(c.position, { epoch: "f", offset: 1, id: "1-0" });
  assert.deepEqual(processed(), ["processed 1 at 1 1-0", "processed 0 at 0 -", "processed 1 at 1 1-0"]);
});

test("a gap without a listener is logged", () => {
  const { c, s, logged } = channel();
  const seen = [];
  c.on("message", ({ offset }) => void seen.push(offset));
  s._deliver(frame(1, 2), 0);
  s._gap(GAP, { epoch: "e", offset: 9 });
  s._deliver(frame(10, 10), 0);
  assert.deepEqual([seen, logged], [[1, 2, 10], [["warn", 'seamline: channel "c": messages are lost:', GAP]]]);
});
