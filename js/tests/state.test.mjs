// `from: state(…)` of `seamline/state`, with the client and the test server: the state is fetched at first and whenever
// its position is lost, and the stream continues from it, each message once and in order.
import assert from "node:assert/strict";
import { mock, test } from "node:test";
import { connect, SeamlineError } from "../dist/index.js";
import { state } from "../dist/state.js";
import { createChannel, createMessages } from "../dist/svelte.js";
import { createTestServer } from "../dist/testing.js";
import { until } from "./support/server.mjs";

const QUICK = { backoff: { initialMs: 1, maxMs: 5 }, logger: {} };

/** A document: its edits are appended to a text, which the backend has with its position. */
class World {
  server = createTestServer();
  text = "";
  /** The causes of all calls, and what the last one was passed. */
  causes = [];
  requests = [];

  constructor(t) {
    this.client = connect("ws://test/", { ...QUICK, WebSocket: this.server.WebSocket });
    t.after(() => this.client.close());
    t.after(() => mock.timers.reset());
    this.edit("a");
  }

  edit(text) {
    this.text += text;
    this.server.publish("doc", text);
    return (this.position = this.server.head("doc"));
  }

  /** The document is that of a backup, or was written anew. */
  restore(text) {
    this.text = text;
    this.position = this.server.head("doc");
  }

  fetch = (cause, request) => {
    this.causes.push(cause);
    this.requests.push(request);
    return { position: { ...this.position }, text: this.text };
  };

  /** A handle that shows the document, and what it emits. */
  open({ fetch = this.fetch, client = this.client, ...options } = {}) {
    const view = { text: undefined, events: [], gaps: 0 };
    const from = state(async (cause, request) => {
      const { position, text } = await fetch(cause, request);
      view.text = text;
      return position;
    }, options);
    view.doc = client.channel("doc", { from });
    view.doc.on("gap", () => view.gaps++);
    view.doc.on("error", (error) => view.events.push(error));
    view.doc.on("live", () => view.events.push("live"));
    view.doc.on("message", ({ data, offset }) => {
      view.text += data;
      view.events.push(offset);
    });
    return view;
  }

  shows = (view) => until(() => view.text === this.text && view.events.at(-1) !== undefined);
}

test("the stream continues after the position of the state", async (t) => {
  const world = new World(t);
  const view = world.open();
  await until(() => world.causes.length === 1);
  world.edit("b"); // before the subscription begins
  await until(() => view.events.includes("live"));
  assert.deepEqual([view.text, view.events], ["ab", [2, "live"]]);
  world.edit("c");
  await world.shows(view);
  assert.deepEqual(view.events, [2, "live", 3]);
  assert.deepEqual(world.causes, ["start"]);
  assert.equal(world.requests[0].attempt, 1);
  assert.equal(view.doc.position.offset, 3);
});

test("the function is called when messages are requested", async (t) => {
  const world = new World(t);
  const doc = world.client.channel("doc", { from: state((cause) => world.fetch(cause).position) });
  const casts = [];
  doc.on("cast", (cast) => casts.push(cast));
  await doc.ready();
  world.server.cast("doc", "here");
  await until(() => casts.length === 1);
  assert.deepEqual(world.causes, []);
  const got = [];
  doc.on("message", ({ data }) => got.push(data));
  await until(() => world.causes.length === 1);
  world.edit("b");
  await until(() => got.length === 1);
  assert.deepEqual([world.causes, got], [["start"], ["b"]]);
  world.server.cast("doc", "still here");
  await until(() => casts.length === 2);
});

test("`ready` waits for the state", async (t) => {
  const world = new World(t);
  let answer;
  const view = world.open({ fetch: () => new Promise((resolve) => (answer = resolve)) });
  let isReady = false;
  const ready = view.doc.ready().then(() => (isReady = true));
  await until(() => answer);
  await world.server.settled();
  assert.deepEqual([isReady, view.events], [false, []]);
  answer({ position: world.position, text: "a" });
  await ready;
  assert.deepEqual(view.events, ["live"]);
});

test("iterating works with a state", async (t) => {
  const world = new World(t);
  const doc = world.client.channel("doc", { from: state((cause) => world.fetch(cause).position) });
  const got = [];
  const done = (async () => {
    for await (const { data } of doc) if (got.push(data) === 2) return;
  })();
  await until(() => world.causes.length === 1);
  world.edit("b");
  world.edit("c");
  await done;
  assert.deepEqual(got, ["b", "c"]);
});

for (const [cause, lose] of [
  ["trimmed", (world) => world.server.trim("doc", 4)],
  ["epoch_changed", (world) => world.server.replaceLog("doc")],
  ["rewound", (world) => world.server.rewind("doc", 1)],
]) {
  test(`a position that is ${cause} is replaced by a new state`, async (t) => {
    const world = new World(t);
    world.edit("b");
    world.edit("c");
    const view = world.open();
    await world.shows(view);
    if (cause === "trimmed") {
      world.server.goOffline();
      for (const text of "defg") world.edit(text);
    }
    lose(world);
    if (cause !== "trimmed") world.restore("a");
    world.server.goOnline();
    await until(() => world.causes.length === 2);
    world.edit("z");
    await world.shows(view);
    assert.deepEqual(world.causes, ["start", cause]);
    assert.equal(view.gaps, 0);
  });
}

test("handles without a state get the gap", async (t) => {
  const world = new World(t);
  const view = world.open();
  const plain = world.client.channel("doc", { from: "start" });
  const got = [];
  plain.on("message", ({ data }) => got.push(data));
  plain.on("gap", ({ reason }) => got.push(reason));
  await world.shows(view);
  world.edit("b");
  await until(() => got.length === 2);
  world.server.rewind("doc", 1);
  world.restore("a");
  await until(() => world.causes.length === 2);
  world.edit("z");
  await world.shows(view);
  await until(() => got.length === 4);
  assert.deepEqual([got, view.gaps], [["a", "b", "rewound", "z"], 0]);
});

test("what arrives meanwhile is delivered once", async (t) => {
  const world = new World(t);
  let answer;
  const slow = (cause) => new Promise((resolve) => (answer = () => resolve(world.fetch(cause))));
  const view = world.open({ fetch: slow });
  await until(() => answer);
  answer();
  await world.shows(view);
  world.server.rewind("doc", 0);
  world.restore("");
  world.edit("x");
  answer = undefined;
  await until(() => answer);
  view.events = [];
  // The position is behind what has arrived and waits.
  const position = world.edit("y");
  world.edit("z");
  await world.server.settled();
  [world.text, world.position] = ["xy", position];
  answer();
  world.text = "xyz";
  await world.shows(view);
  assert.deepEqual([view.text, view.events], ["xyz", [3, "live"]]);
});

test("a position ahead of what has arrived is skipped to", async (t) => {
  const world = new World(t);
  const other = world.client.channel("doc", { from: "start" });
  const got = [];
  other.on("message", ({ data }) => got.push(data));
  const view = world.open({ fetch: (cause) => (world.edit("b"), world.fetch(cause)) });
  await until(() => view.events.includes("live"));
  world.edit("c");
  await world.shows(view);
  assert.deepEqual(
    [got, view.events],
    [
      ["a", "b", "c"],
      ["live", 3],
    ],
  );
});

test("a channel that does not exist yet starts at its start", async (t) => {
  const world = new World(t);
  const doc = world.client.channel("new", { from: state(() => "start") });
  const got = [];
  doc.on("message", ({ data }) => got.push(data));
  doc.on("gap", () => got.push("gap"));
  await doc.ready();
  world.server.publish("new", 1);
  await until(() => got.length === 1);
  // Again, when the handle has had messages.
  world.server.replaceLog("new");
  world.server.publish("new", 2);
  await until(() => got.length === 2);
  assert.deepEqual(got, [1, 2]);
});

test("a failing function is reported and called again", async (t) => {
  const world = new World(t);
  const cause = new Error("503");
  let failures = 2;
  const failing = (...args) => {
    const fetched = world.fetch(...args);
    if (failures-- > 0) throw cause;
    return fetched;
  };
  const view = world.open({ fetch: failing });
  await until(() => view.events.includes("live"), 5000);
  const [first, second] = view.events;
  assert.ok(first instanceof SeamlineError && second instanceof SeamlineError);
  assert.deepEqual([first.code, first.cause], ["state_failed", cause]);
  assert.match(first.message, /^the state of channel "doc" could not be fetched: 503; trying again in \d+ ms$/);
  assert.deepEqual(
    world.requests.map(({ attempt }) => attempt),
    [1, 2, 3],
  );
});

test("what is no position is reported", async (t) => {
  const world = new World(t);
  for (const [value, shown] of [
    [undefined, "undefined"],
    ["tail", '"tail"'],
    [{ epoch: "e" }, '{"epoch":"e"}'],
    [{ epoch: "", offset: 1 }, '{"epoch":"","offset":1}'],
    [{ epoch: "e", offset: -1 }, '{"epoch":"e","offset":-1}'],
  ]) {
    const doc = world.client.channel("doc", { from: state(() => value) });
    const errors = [];
    doc.on("error", ({ message }) => errors.push(message));
    doc.on("message", () => {});
    await until(() => errors.length === 1);
    assert.ok(errors[0].includes(`the function returned ${shown}; return a position`), errors[0]);
    doc.close();
  }
});

for (const [what, fetch] of [
  ["throws at once", () => assert.fail("no state")],
  ["throws nothing", () => Promise.reject()],
  ["throws an error with a bad message", () => Promise.reject(badMessage())],
  ["returns a getter that throws", () => Object.defineProperty({}, "epoch", { get: () => assert.fail("no epoch") })],
  ["returns a cycle", () => Object.assign([], { 0: globalThis })],
]) {
  test(`a function that ${what} is reported and called again`, async (t) => {
    const world = new World(t);
    let calls = 0;
    const doc = world.client.channel("doc", { from: state(() => (++calls === 1 ? fetch() : world.position)) });
    t.after(() => doc.close());
    const errors = [];
    doc.on("error", (error) => errors.push(error));
    doc.on("message", () => {});
    await doc.ready();
    assert.deepEqual([errors.length, errors[0].code], [1, "state_failed"]);
    assert.match(errors[0].message, /^the state of channel "doc" could not be fetched: .+; trying again in \d+ ms$/);
  });
}

function badMessage() {
  return Object.defineProperty(new Error(), "message", { get: () => assert.fail("no message") });
}

for (const end of ["doc", "client"]) {
  test(`a function that closes its ${end} is not called again`, async (t) => {
    const world = new World(t);
    let calls = 0;
    const view = world.open({
      fetch: (_cause, { signal }) => {
        calls++;
        (end === "doc" ? view.doc : world.client).close();
        assert.equal(signal.aborted, true);
        return "start";
      },
    });
    await until(() => calls === 1);
    await world.client.close();
    assert.deepEqual([calls, view.events], [1, []]);
  });
}

test("a call that takes too long is aborted and made again", async (t) => {
  const world = new World(t);
  const signals = [];
  const view = world.open({
    timeoutMs: 20,
    fetch: (cause, request) => {
      signals.push(request.signal);
      return signals.length === 1 ? new Promise(() => {}) : world.fetch(cause, request);
    },
  });
  await until(() => view.events.includes("live"), 5000);
  assert.match(view.events[0].message, /it took longer than 20 ms/);
  assert.deepEqual(
    signals.map(({ aborted }) => aborted),
    [true, false],
  );
});

test("a position that is lost again and again is fetched ever more slowly", async (t) => {
  const world = new World(t);
  const times = [];
  const stale = { epoch: "another", offset: 5 };
  const view = world.open({ fetch: () => (times.push(performance.now()), { position: stale, text: "" }) });
  await until(() => times.length === 4, 8000);
  view.doc.close();
  const pauses = times.slice(1).map((time, i) => time - times[i]);
  for (const [i, least] of [249, 499, 999].entries()) assert.ok(pauses[i] >= least, `${pauses}`);
  assert.deepEqual([view.gaps, view.text], [0, ""]);
});

test("closing cancels the call", async (t) => {
  const world = new World(t);
  for (const close of [(view) => view.doc.close(), () => world.client.close()]) {
    let signal;
    let answer;
    const view = world.open({
      fetch: (_cause, request) => {
        signal = request.signal;
        return new Promise((resolve) => (answer = resolve));
      },
    });
    await until(() => signal);
    assert.equal(signal.aborted, false);
    close(view);
    assert.equal(signal.aborted, true);
    answer({ position: world.position, text: "a" });
    world.edit("b");
    await world.server.settled();
    assert.deepEqual(view.events, []);
  }
});

test("a handle that is closed at once fetches nothing", async (t) => {
  const world = new World(t);
  const view = world.open();
  view.doc.close();
  await world.server.settled();
  assert.deepEqual(world.causes, []);
});

test("one source serves many handles", async (t) => {
  const world = new World(t);
  const from = state((cause) => world.fetch(cause).position);
  const got = [[], []];
  for (const list of got) world.client.channel("doc", { from }).on("message", ({ data }) => list.push(data));
  await until(() => world.causes.length === 2);
  world.edit("b");
  await until(() => got.every((list) => list.length === 1));
  assert.deepEqual(got, [["b"], ["b"]]);
});

test("a component that returns continues after its position", async (t) => {
  const world = new World(t);
  const doc = createChannel(world.client, "doc", { from: state((cause) => world.fetch(cause).position) });
  const got = [];
  const mount = () => doc.on("message", ({ data }) => got.push(data));
  const unmount = mount();
  await until(() => world.causes.length === 1);
  world.edit("b");
  await until(() => got.length === 1);
  unmount();
  world.edit("c");
  mount();
  await until(() => got.length === 2);
  world.server.rewind("doc", 1);
  world.restore("a");
  await until(() => world.causes.length === 2);
  world.edit("d");
  await until(() => got.length === 3);
  assert.deepEqual(
    [got, world.causes],
    [
      ["b", "c", "d"],
      ["start", "rewound"],
    ],
  );
});

test("a list of messages has no state", (t) => {
  const { client } = new World(t);
  assert.throws(() => createMessages(client, "doc", { from: state(() => "start") }), /invalid option "from": state/);
});

test("bad arguments are named", async (t) => {
  const world = new World(t);
  for (const [call, message] of [
    [() => state("tail"), 'invalid argument of state: "tail"; pass a function'],
    [() => state(async () => "start", null), "invalid options of state: null; pass an object"],
    [() => state(async () => "start", { timeout: 1 }), 'unknown option of state: "timeout"; use one of timeoutMs'],
    [() => state(async () => "start", { timeoutMs: 0 }), /option of state "timeoutMs": 0; pass a whole number/],
    [() => state(async () => "start", { timeoutMs: Number.NaN }), /"timeoutMs": NaN/],
    [() => state(async () => "start", { timeoutMs: 2 ** 31 }), /"timeoutMs": 2147483648/],
  ]) {
    assert.throws(call, { code: "bad_option", message });
  }
  assert.throws(() => world.client.channel("doc", { from: async () => "start" }), /or state\(\) of seamline\/state/);
});
