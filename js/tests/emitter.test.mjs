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

/** A signal, how many listeners it has, and how to abort it. */
function signal() {
  const listeners = new Set();
  return {
    listeners,
    aborted: false,
    addEventListener: (type, listener) => type === "abort" && listeners.add(listener),
    removeEventListener: (_, listener) => listeners.delete(listener),
    abort() {
      this.aborted = true;
      for (const listener of listeners) listener();
    },
  };
}

test("a listener for once is called once", () => {
  const { emitter, emit } = setUp();
  const emitted = [];
  emitter.on("a", (...args) => emitted.push(...args), {}, true);
  emit("a", 1);
  emit("a", 2);
  assert.deepEqual([emitted, emitter.of("a")], [[1], []]);
});

test("a listener for once may cause its own event", () => {
  const { emitter, emit } = setUp();
  const emitted = [];
  emitter.on("a", () => (emitted.push("first"), emit("a")), {}, true);
  emitter.on("a", () => emitted.push("second"), {}, true);
  emit("a");
  assert.deepEqual(emitted, ["first", "second"]);
});

test("a listener for once can be removed", () => {
  const { emitter, emit } = setUp();
  const emitted = [];
  emitter.on("a", () => emitted.push("x"), {}, true)();
  emit("a");
  assert.deepEqual(emitted, []);
});

test("what a listener for once returns is kept", () => {
  const { emitter } = setUp();
  emitter.on("a", (n) => n + 1, {}, true);
  assert.equal(emitter.of("a")[0](1), 2);
});

test("a signal removes its listener", () => {
  const { emitter, emit } = setUp();
  const emitted = [];
  const abort = new AbortController();
  emitter.on("a", (n) => emitted.push(`with ${n}`), { signal: abort.signal });
  emitter.on("a", (n) => emitted.push(`without ${n}`), { signal: undefined });
  emit("a", 1);
  abort.abort();
  emit("a", 2);
  assert.deepEqual(emitted, ["with 1", "without 1", "without 2"]);
});

test("an aborted signal adds no listener", () => {
  const { emitter } = setUp();
  const off = emitter.on("a", () => {}, { signal: AbortSignal.abort() });
  off();
  assert.deepEqual(emitter.of("a"), []);
});

test("a signal is left alone once its listener is gone", () => {
  const { emitter, emit } = setUp();
  const shared = signal();
  const off = emitter.on("a", () => {}, { signal: shared });
  emitter.on("a", () => {}, { signal: shared }, true);
  emitter.on("b", () => {}, { signal: shared });
  assert.equal(shared.listeners.size, 3);
  off();
  assert.equal(shared.listeners.size, 2);
  emit("a");
  assert.equal(shared.listeners.size, 1);
  emitter._end();
  assert.equal(shared.listeners.size, 0);
});

test("an aborted signal is left alone", () => {
  const { emitter } = setUp();
  const shared = signal();
  emitter.on("a", () => {}, { signal: shared });
  shared.abort();
  assert.deepEqual([shared.listeners.size, emitter.of("a")], [0, []]);
});

test("a signal must be one", () => {
  const { emitter } = setUp();
  for (const [options, message] of [
    [{ once: true }, 'unknown option of a listener: "once"; use one of signal'],
    [{ signal: 1 }, 'invalid option of a listener "signal": 1; pass the signal of an AbortController'],
    [{ signal: new AbortController() }, /^invalid option of a listener "signal": \{\}; /],
    [null, "invalid options of a listener: null; pass an object"],
  ]) {
    assert.throws(() => emitter.on("a", () => {}, options), { code: "bad_option", message });
  }
  assert.deepEqual(emitter.of("a"), []);
});
