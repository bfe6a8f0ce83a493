// How a channel delivers messages: order, waiting, and what counts as processed.
import assert from "node:assert/strict";
import { test } from "node:test";
import { channel, deferred, frame, settled } from "./support/channel.mjs";
import { until } from "./support/server.mjs";

test("messages are delivered in order with their metadata", () => {
  const { c, s } = channel();
  const seen = [];
  c.on("message", (message) => seen.push(message));
  s._deliver(frame(1, 2, true), 0);
  s._deliver(frame(3, 3), 0);
  assert.deepEqual(seen, [
    { id: "1-0", offset: 1, data: 1, replayed: true },
    { id: "2-0", offset: 2, data: 2, replayed: true },
    { id: "3-0", offset: 3, data: 3, replayed: false },
  ]);
});

test("skipped messages of a frame are not delivered", () => {
  const { c, s, processed } = channel();
  const seen = [];
  c.on("message", ({ offset }) => seen.push(offset));
  s._deliver(frame(1, 5), 3);
  assert.deepEqual(seen, [4, 5]);
  assert.deepEqual(processed(), ["processed 2 at 5 5-0"]);
});

test("synchronous handlers are reported in one call", () => {
  const { c, s, processed } = channel();
  c.on("message", () => {});
  s._deliver(frame(1, 100), 0);
  s._deliver(frame(101, 150), 0);
  assert.deepEqual(processed(), ["processed 100 at 100 100-0", "processed 50 at 150 150-0"]);
});

test("the next message waits for the handler's promise", async () => {
  const { c, s, processed } = channel();
  const started = [];
  const gates = [deferred(), deferred()];
  c.on("message", ({ offset }) => (started.push(offset), gates[offset - 1].promise));
  s._deliver(frame(1, 2), 0);
  await settled();
  assert.deepEqual([started, processed()], [[1], []], "the second waits for the first");
  gates[0].resolve();
  await settled();
  await until(() => processed().length > 0);
  assert.deepEqual([started, processed()], [[1, 2], ["processed 1 at 1 1-0"]]);
  gates[1].resolve();
  await settled();
  assert.deepEqual(processed(), ["processed 1 at 1 1-0", "processed 1 at 2 2-0"]);
});

test("messages before an async one are reported at once", async () => {
  const { c, s, processed } = channel();
  const gate = deferred();
  c.on("message", ({ offset }) => (offset === 3 ? gate.promise : undefined));
  s._deliver(frame(1, 5), 0);
  assert.deepEqual(processed(), ["processed 2 at 2 2-0"]);
  gate.resolve();
  await settled();
  assert.deepEqual(processed(), ["processed 2 at 2 2-0", "processed 3 at 5 5-0"]);
});

test("every listener gets every message; the slowest sets the pace", async () => {
  const { c, s, processed } = channel();
  const seen = [];
  const gate = deferred();
  c.on("message", ({ offset }) => void seen.push(`a${offset}`));
  c.on("message", ({ offset }) => (seen.push(`b${offset}`), gate.promise));
  s._deliver(frame(1, 2), 0);
  await settled();
  assert.deepEqual([seen, processed()], [["a1", "b1"], []]);
  gate.resolve();
  await settled();
  assert.deepEqual(seen, ["a1", "b1", "a2", "b2"]);
});

test("a thenable is awaited like a promise", async () => {
  const { c, s, processed } = channel();
  let settle;
  // biome-ignore lint/suspicious/noThenProperty: a thenable that is no promise
  c.on("message", () => ({ then: (done) => (settle = done) }));
  s._deliver(frame(1, 1), 0);
  await settled();
  assert.deepEqual(processed(), []);
  settle();
  await settled();
  assert.deepEqual(processed(), ["processed 1 at 1 1-0"]);
});

test("messages and `live` wait while there is no listener", () => {
  const { c, s, calls, processed } = channel();
  const emitted = [];
  c.on("message", () => {})();
  c.on("live", () => emitted.push("live"));
  s._deliver(frame(1, 2), 0);
  s._live();
  assert.deepEqual([emitted, processed()], [[], []], "`live` comes after the messages");
  c.on("message", ({ offset }) => emitted.push(offset));
  assert.deepEqual(emitted, [1, 2, "live"]);
  assert.equal(calls.filter((call) => call === "subscribe").length, 1);
});

test("the position moves when the handler has finished", async () => {
  const { c, s } = channel({}, { attached: false });
  const gate = deferred();
  c.on("message", () => gate.promise);
  assert.deepEqual([c.position, c.lastMessageId], [undefined, undefined]);
  s._attached({ epoch: "e", offset: 7 });
  assert.deepEqual([c.position, c.lastMessageId], [{ epoch: "e", offset: 7 }, undefined]);
  s._deliver(frame(8, 8), 0);
  assert.equal(c.position.offset, 7);
  gate.resolve();
  await settled();
  assert.deepEqual([c.position, c.lastMessageId], [{ epoch: "e", offset: 8, id: "8-0" }, "8-0"]);
});

test("changing a returned position does not move the channel", () => {
  const given = { epoch: "e", offset: 3 };
  const { c } = channel({ from: given }, { attached: false });
  c.position.offset = 99;
  given.offset = 99;
  assert.equal(c.position.offset, 3);
});

test("a position may be an object of a class", () => {
  class Stored {
    get epoch() {
      return "e";
    }
    get offset() {
      return 3;
    }
  }
  const { c, calls } = channel({ from: new Stored() }, { attached: false });
  c.on("message", () => {});
  assert.deepEqual([c.position, calls], [{ epoch: "e", offset: 3 }, ["subscribe at e/3"]]);
});

test("publishing or listening to errors does not subscribe", async () => {
  const { c, calls } = channel();
  c.on("error", () => {});
  assert.deepEqual(await c.publish({ a: 1 }, { key: "k" }), { id: "1-0", offset: 1 });
  c.cast("typing");
  assert.deepEqual(calls, ['publish {"a":1} k', 'cast "typing"']);
});

for (const event of ["message", "gap", "cast", "live"]) {
  test(`the first listener to \`${event}\` subscribes once`, () => {
    const { c, calls } = channel();
    c.on(event, () => {});
    c.on(event, () => {});
    assert.deepEqual(calls, [event === "message" ? "subscribe" : "subscribe to casts"]);
  });
}

test("casts do not wait for messages", () => {
  const { c, s } = channel();
  const emitted = [];
  c.on("cast", (data) => emitted.push(data));
  s._deliver(frame(1, 1), 0);
  s._cast({ typing: true });
  assert.deepEqual(emitted, [{ typing: true }]);
});
