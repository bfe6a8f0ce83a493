// Handlers that together take long: the page gets a turn now and then, and the order stays.
import assert from "node:assert/strict";
import { test } from "node:test";
import { channel, frame, settled, subscription } from "./support/channel.mjs";
import { until } from "./support/server.mjs";

/** A clock that a handler advances, and a page whose turns are counted. */
function setUp(t, { yields = true } = {}) {
  const page = { now: 0, turns: 0 };
  t.mock.method(performance, "now", () => page.now);
  t.after(() => delete globalThis.scheduler);
  if (yields) {
    globalThis.scheduler = { yield: () => (page.turns++, (page.firstAt ??= page.now), settled()) };
  }
  return page;
}

/** Ways to receive messages; each returns what it has seen, and takes 1 ms for a message. */
const WAYS = {
  "on()": (c, page, seen) => c.on("message", ({ offset }) => (page.now++, void seen.push(offset))),
  "a loop": async (c, page, seen) => {
    for await (const { offset } of c) {
      page.now++;
      seen.push(offset);
    }
  },
};

const all = (count) => Array.from({ length: count }, (_, i) => i + 1);

for (const [way, follow] of Object.entries(WAYS)) {
  test(`${way} gives the page turns in a large frame`, async (t) => {
    const page = setUp(t);
    const { c, s, processed } = channel();
    const seen = [];
    void follow(c, page, seen);
    await settled();
    s._deliver(frame(1, 200), 0);
    await until(() => page.turns > 0);
    assert.ok(page.firstAt < 40, `the first turn after ${page.firstAt} ms`);
    s._deliver(frame(201, 210), 0);
    s._live();
    await until(() => seen.length === 210);
    assert.deepEqual(seen, all(210));
    assert.ok(page.turns >= 5, `${page.turns} turns`);
    c.close();
    assert.match(processed().at(-1), /at 210 /);
  });

  test(`${way} is not interrupted where a page cannot be given turns`, async (t) => {
    const page = setUp(t, { yields: false });
    const { c, s } = channel();
    const seen = [];
    void follow(c, page, seen);
    await settled();
    s._deliver(frame(1, 200), 0);
    await settled();
    assert.deepEqual(seen, all(200));
    c.close();
  });
}

test("fast handlers are not interrupted", async (t) => {
  const page = setUp(t);
  const { c, s } = channel();
  let seen = 0;
  c.on("message", () => (seen++, void (page.now += 0.001)));
  for (let n = 0; n < 20; n++) s._deliver(frame(n * 1000 + 1, n * 1000 + 1000), 0);
  assert.deepEqual([seen, page.turns], [20_000, 0]);
});

test("the handles of a frame share a turn", async (t) => {
  const page = setUp(t);
  const { s, open } = subscription();
  let seen = 0;
  for (let i = 0; i < 100; i++) open().on("message", () => void (page.now++, seen++));
  s._deliver(frame(1, 1), 0);
  assert.ok(seen < 30, `${seen} in the first turn`);
  await until(() => seen === 100);
});

test("a handle closed during a turn gets nothing more", async (t) => {
  const page = setUp(t);
  const { c, s } = channel();
  const seen = [];
  WAYS["on()"](c, page, seen);
  s._deliver(frame(1, 200), 0);
  const before = seen.length;
  c.close();
  for (let i = 0; i < 10; i++) await settled();
  assert.deepEqual([seen.length, page.turns], [before, 1]);
});
