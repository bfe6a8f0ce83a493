// Listeners: added, removed, and both during an event.
import assert from "node:assert/strict";
import { test } from "node:test";
import { source } from "./support/source.mjs";

const { Emitter } = await source("emitter");

function setUp() {
  const emitter = new Emitter("a", "b");
  const emit = (event, ...args) => {
    for (const listener of emitter.of(event)) listener(...args);
  };
  return { emitter, emit };
}

test("listeners are called in order, with the arguments", () => {
  const { emitter, emit } = setUp();
  const emitted = [];
  emitter.on("a", (...args) => emitted.push(["first", ...args]));
  emitter.on("a", (...args) => emitted.push(["second", ...args]));
  emitter.on("b", () => emitted.push("b"));
  emit("a", 1, 2);
  assert.deepEqual(emitted, [
    ["first", 1, 2],
    ["second", 1, 2],
  ]);
});

test("an unknown event is refused with the known names", () => {
  const { emitter } = setUp();
  assert.throws(() => emitter.on("c", () => {}), { code: "bad_event", message: 'unknown event: "c"; use one of a, b' });
});

test("an event name may be any value", () => {
  const { emitter } = setUp();
  const none = Object.create(null);
  for (const [event, shown] of [
    [Symbol("c"), "Symbol(c)"],
    [none, "object"],
    [undefined, "undefined"],
    ["toString", "toString"],
  ]) {
    assert.throws(() => emitter.on(event, () => {}), {
      code: "bad_event",
      message: `unknown event: "${shown}"; use one of a, b`,
    });
  }
});

test("a listener must be a function", () => {
  const { emitter, emit } = setUp();
  for (const [listener, shown] of [
    [undefined, "undefined"],
    [null, "null"],
    ["f", '"f"'],
    [{ f: 1 }, '{"f":1}'],
    [Symbol("s"), "Symbol(s)"],
  ]) {
    const message = `invalid listener for "a": ${shown}; pass a function`;
    assert.throws(() => emitter.on("a", listener), { name: "SeamlineError", code: "bad_listener", message });
  }
  emit("a"); // nothing was added
});

test("an event starts without listeners", () => {
  assert.deepEqual(setUp().emitter.of("a"), []);
});

test("the returned function removes only its listener", () => {
  const { emitter, emit } = setUp();
  const emitted = [];
  const listener = () => emitted.push("x");
  const off = emitter.on("a", listener);
  emitter.on("a", listener);
  off();
  off();
  emit("a");
  assert.deepEqual(emitted, ["x"], "the same function, added twice, is there once");
});

test("listeners changed during an event do not affect it", () => {
  const { emitter, emit } = setUp();
  const emitted = [];
  const offs = [];
  offs.push(
    emitter.on("a", () => {
      emitted.push("first");
      for (const off of offs) off();
      emitter.on("a", () => emitted.push("new"));
    }),
  );
  offs.push(emitter.on("a", () => emitted.push("second")));
  emit("a");
  assert.deepEqual(emitted, ["first", "second"]);
  emit("a");
  assert.deepEqual(emitted, ["first", "second", "new"]);
});
