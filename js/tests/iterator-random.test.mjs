// An iterator beside listeners that come and go, in random order: each message once to everyone, and nothing counts as
// processed before all of them are done with it.
import assert from "node:assert/strict";
import { test } from "node:test";
import { channel, frame, settled } from "./support/channel.mjs";
import { until } from "./support/server.mjs";

const SEEDS = 300;
const STEPS = 60;

/** A random number below `n`. */
function random(seed) {
  let state = seed * 2654435761 + 1;
  return (n) => {
    state = (Math.imul(state ^ (state >>> 15), 0x2c1b3c6d) + 0x9e3779b9) | 0;
    return ((state >>> 8) ^ (state >>> 17)) % n;
  };
}

/** Runs one seed; returns what went wrong. */
async function run(seed) {
  const draw = random(seed);
  const { c, s, processed } = channel();
  const iterator = c[Symbol.asyncIterator]();
  let head = 0;
  let requested = 0;
  const had = [];
  /** What each listener has not finished, and everything that it has seen. */
  const listeners = new Set();
  const gates = [];
  const listen = (event) => {
    const listener = { seen: [], busy: new Set() };
    listener.off = c.on(event, (got) => {
      const offsets = [got].flat().map(({ offset }) => offset);
      listener.seen.push(...offsets);
      if (draw(2)) return;
      for (const offset of offsets) listener.busy.add(offset);
      return new Promise((resolve) => gates.push(resolve)).then(() => listener.busy.clear());
    });
    listeners.add(listener);
  };
  const finish = () => {
    for (const open of gates.splice(0)) open();
  };
  const next = () => {
    if (requested - had.length > draw(2)) return; // an application rarely has requests without an answer
    requested++;
    void iterator.next().then(({ value }) => value && had.push(value.offset));
  };
  const check = () => {
    const { offset } = c.position ?? { offset: 0 };
    for (const { seen, busy } of listeners) {
      assert.ok(
        seen.every((got, i) => i === 0 || got === seen[i - 1] + 1),
        `in order: ${seen}`,
      );
      for (const one of busy) assert.ok(offset < one, `${one} is not done, but the position is ${offset}`);
    }
    assert.deepEqual(
      had,
      had.map((_, i) => i + 1),
    );
    // The last message that the iterator has given counts only when another one was requested.
    assert.ok(offset <= Math.max(requested - 1, 0), `${offset} after ${requested} requests`);
  };
  const actions = [
    () => s._deliver(frame(head + 1, (head += 1 + draw(6))), 0),
    next,
    next,
    next,
    () => listen("message"),
    () => draw(2) && listen("batch"),
    () => [...listeners][draw(listeners.size + 1)]?.off(),
    finish,
    settled,
    () => Promise.resolve(),
  ];
  next(); // it listens from here on
  for (let i = 0; i < STEPS; i++) {
    await actions[draw(actions.length)]();
    check();
  }
  for (let i = 0; i < 20 * head && had.length < head; i++) {
    if (requested === had.length) next();
    finish();
    await settled();
  }
  next(); // the last one is done
  while (c.position.offset < head) {
    finish();
    await settled();
  }
  check();
  const count = () => processed().reduce((sum, line) => sum + Number(line.split(" ")[1]), 0);
  await until(() => count() >= head);
  assert.deepEqual([had.length, count()], [head, head]);
  c.close();
}

test("an iterator and listeners that come and go", async () => {
  for (let seed = 0; seed < SEEDS; seed++) {
    await run(seed).catch((error) => {
      throw new Error(`seed ${seed}: ${error.message}`, { cause: error });
    });
  }
});
