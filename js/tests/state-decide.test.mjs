// What a handle with a state does next (src/state/decide.ts), as a table and in random runs.
import assert from "node:assert/strict";
import { test } from "node:test";
import { random } from "./support/log-server.mjs";
import { source } from "./support/source.mjs";

const { decide, pauseMs, PAUSE_MS_MAX, SOON_MS } = await source("state/decide");

/** A handle whose random numbers are all 1: pauses are the longest. */
class Handle {
  phase = { name: "idle" };
  now = 0;

  /** Returns the actions as words. */
  on(name, more) {
    const [phase, actions] = decide(this.phase, { name, ...more }, this.now, 1);
    this.phase = phase;
    return actions.map((action) => Object.values(action).map(shown).join(" "));
  }
}

const shown = (value) => (typeof value === "object" ? `at ${value.offset}` : String(value));
const from = (offset) => ({ from: { epoch: "e", offset } });

test("the first state is fetched at once", () => {
  const handle = new Handle();
  assert.deepEqual(handle.on("lost", { cause: "start" }), ["fetch start 1"]);
  assert.deepEqual(handle.on("fetched", from(3)), ["continue at 3"]);
});

test("a position that was live is replaced at once", () => {
  const handle = new Handle();
  handle.on("lost", { cause: "start" });
  handle.on("fetched", from(3));
  handle.on("live");
  handle.now = SOON_MS;
  assert.deepEqual(handle.on("lost", { cause: "trimmed" }), ["fetch trimmed 1"]);
});

test("a position that the server does not have is replaced after growing pauses", () => {
  const handle = new Handle();
  handle.on("lost", { cause: "start" });
  const pauses = [];
  for (let i = 0; i < 8; i++) {
    handle.on("live"); // of another handle
    handle.on("fetched", from(i));
    handle.now += 60_000; // a slow link
    pauses.push(...handle.on("lost", { cause: "rewound" }));
    handle.on("resumed");
  }
  const waits = [500, 1000, 2000, 4000, 8000, 16000, 20000, 20000];
  assert.deepEqual(
    pauses,
    waits.map((ms) => `pause ${ms}`),
  );
});

test("a log that changes all the time is followed with short pauses", () => {
  const handle = new Handle();
  handle.on("lost", { cause: "start" });
  for (let i = 0; i < 8; i++) {
    handle.on("fetched", from(i));
    handle.on("live");
    handle.now += SOON_MS - 1;
    assert.deepEqual(handle.on("lost", { cause: "rewound" }), ["pause 500"]);
    assert.deepEqual(handle.on("resumed"), ["fetch rewound 2"]);
  }
});

test("a failure is reported, and its cause is kept", () => {
  const handle = new Handle();
  handle.on("lost", { cause: "epoch_changed" });
  assert.deepEqual(handle.on("failed", { error: "no" }), ["pause 500", "report no 500"]);
  assert.deepEqual(handle.on("resumed"), ["fetch epoch_changed 2"]);
  assert.deepEqual(handle.on("failed", { error: "no" }), ["pause 1000", "report no 1000"]);
  assert.deepEqual(handle.on("resumed"), ["fetch epoch_changed 3"]);
  assert.deepEqual(handle.on("fetched", from(1)), ["continue at 1"]);
});

test("a handle that has ended does nothing more", () => {
  const handle = new Handle();
  handle.on("lost", { cause: "start" });
  assert.deepEqual(handle.on("ended"), ["stop"]);
  for (const event of ["ended", "lost", "resumed", "fetched", "failed"]) assert.deepEqual(handle.on(event), []);
});

test("pauses stay within their bounds", () => {
  for (let failures = 1; failures < 5000; failures += 7) {
    for (const chance of [0, 0.5, 1]) {
      const wait = pauseMs(failures, chance);
      assert.ok(wait >= 250 && wait <= PAUSE_MS_MAX, `${failures}: ${wait}`);
    }
  }
});

test("one call runs at a time, and none without a pause", () => {
  for (let seed = 1; seed <= 500; seed++) {
    const rng = random(seed);
    const handle = new Handle();
    let running = false;
    let fetchedAt = -Infinity;
    for (let step = 0; step < 60; step++) {
      handle.now += rng.below(2000);
      const event = rng.pick(["lost", "resumed", "fetched", "failed", "live"]);
      // Only what can happen: a call that runs returns, and a timer fires while one is set.
      if ((event === "fetched" || event === "failed") && !running) continue;
      if (event === "fetched" || event === "failed") running = false;
      const before = handle.phase.name;
      for (const action of handle.on(event, { cause: "trimmed", error: "no", ...from(step) })) {
        if (action.startsWith("continue")) fetchedAt = handle.now;
        if (!action.startsWith("fetch")) continue;
        assert.equal(running, false, `seed ${seed}`);
        running = true;
        const isLate = before === "idle" || before === "pausing" || handle.now - fetchedAt >= SOON_MS;
        assert.ok(isLate, `seed ${seed}: called again without a pause`);
      }
    }
  }
});
