// When a list of messages notifies of changes (src/frameworks/pacer.ts).
import assert from "node:assert/strict";
import { test } from "node:test";
import { source } from "./support/source.mjs";

const { Pacer } = await source("frameworks/pacer");

/** A pacer that is in its first pause, of 100 ms, and something has changed meanwhile. */
async function paused(t) {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const notify = t.mock.fn();
  const pacer = new Pacer(notify);
  pacer._change(100);
  await undefined;
  pacer._change(100);
  return { pacer, count: () => notify.mock.callCount() };
}

test("changes during a pause are notified together", async (t) => {
  const { pacer, count } = await paused(t);
  pacer._change(100);
  t.mock.timers.tick(99);
  assert.equal(count(), 1);
  t.mock.timers.tick(1);
  assert.equal(count(), 2);
});

test("a pause that was ended notifies no more", async (t) => {
  const { pacer, count } = await paused(t);
  pacer._changeNow(100);
  await undefined;
  assert.equal(count(), 2);
  t.mock.timers.tick(100);
  assert.equal(count(), 2);
});

test("a pacer that was stopped notifies no more", async (t) => {
  const { pacer, count } = await paused(t);
  pacer._stop();
  t.mock.timers.tick(100);
  assert.equal(count(), 1);
});
