// Listeners: added, removed, and both while an event is being told.
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

test("listeners are called in the order in which they came, with the arguments", () => {
  const { emitter, emit } = setUp();
  const told = [];
  emitter.on("a", (...args) => told.push(["first", ...args]));
  emitter.on("a", (...args) => told.push(["second", ...args]));
  emitter.on("b", () => told.push("b"));
  emit("a", 1, 2);
  assert.deepEqual(told, [
    ["first", 1, 2],
    ["second", 1, 2],
  ]);
});

test("an event that there is not is named, with those that there are", () => {
  const { emitter } = setUp();
  assert.throws(() => emitter.on("c", () => {}), { code: "bad_event", message: 'unknown event: "c"; use one of a, b' });
});

test("an event name that cannot become text is refused like any other", () => {
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

test("a listener that is not a function is refused at the call, with its value", () => {
  const { emitter, emit } = setUp();
  for (const [listener, shown] of [
    [undefined, "undefined"],
    [null, "null"],
    ["f", '"f"'],
    [{}, "[object Object]"],
    [Symbol("s"), "Symbol(s)"],
  ]) {
    const message = `invalid listener for "a": ${shown}; pass a function`;
    assert.throws(() => emitter.on("a", listener), { name: "SeamlineError", code: "bad_listener", message });
  }
  emit("a"); // nothing was added
});

test("an event without listeners has none", () => {
  assert.deepEqual(setUp().emitter.of("a"), []);
});

test("the returned function takes off that listener only, and more than once does no harm", () => {
  const { emitter, emit } = setUp();
  const told = [];
  const listener = () => told.push("x");
  const off = emitter.on("a", listener);
  emitter.on("a", listener);
  off();
  off();
  emit("a");
  assert.deepEqual(told, ["x"], "the same function, added twice, is there once");
});

test("a listener added or removed meanwhile does not disturb the event at hand", () => {
  const { emitter, emit } = setUp();
  const told = [];
  const offs = [];
  offs.push(
    emitter.on("a", () => {
      told.push("first");
      for (const off of offs) off();
      emitter.on("a", () => told.push("new"));
    }),
  );
  offs.push(emitter.on("a", () => told.push("second")));
  emit("a");
  assert.deepEqual(told, ["first", "second"]);
  emit("a");
  assert.deepEqual(told, ["first", "second", "new"]);
});
