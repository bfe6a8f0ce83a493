// Channels as async iterators: a message counts as processed when the next one is requested.
import assert from "node:assert/strict";
import { test } from "node:test";
import { channel, deferred, frame, settled } from "./support/channel.mjs";
import { until } from "./support/server.mjs";

const value = (offset) => ({ value: { id: `${offset}-0`, offset, data: offset, replayed: false }, done: false });
const DONE = { value: undefined, done: true };

test("for await gets every message once, until close", async () => {
  const { c, s } = channel();
  const seen = [];
  setImmediate(() => s._deliver(frame(1, 3), 0));
  for await (const { offset } of c) {
    seen.push(offset);
    if (offset === 3) s._deliver(frame(4, 4), 0);
    if (offset === 4) c.close();
  }
  assert.deepEqual(seen, [1, 2, 3, 4]);
});

test("a message is processed when the next is requested", async () => {
  const { c, s, processed } = channel();
  const iterator = c[Symbol.asyncIterator]();
  s._deliver(frame(1, 2), 0);
  assert.deepEqual(await iterator.next(), value(1));
  await settled();
  assert.deepEqual([processed(), c.position.offset], [[], 0]);
  assert.deepEqual(await iterator.next(), value(2));
  assert.equal(c.position.offset, 1);
  await until(() => processed().length > 0);
  assert.deepEqual(processed(), ["processed 1 at 1 1-0"]);
});

test("creating an iterator subscribes", () => {
  const { c, calls } = channel();
  c[Symbol.asyncIterator]();
  assert.deepEqual(calls, ["subscribe"]);
});

test("next() waits for a message", async () => {
  const { c, s } = channel();
  const iterator = c[Symbol.asyncIterator]();
  const next = iterator.next();
  await settled();
  s._deliver(frame(1, 1), 0);
  assert.deepEqual(await next, value(1));
});

test("concurrent next() calls get one message each", async () => {
  const { c, s, processed } = channel();
  const iterator = c[Symbol.asyncIterator]();
  const three = [iterator.next(), iterator.next(), iterator.next()];
  s._deliver(frame(1, 2), 0);
  await settled();
  assert.equal(processed().at(-1), "processed 2 at 2 2-0", "the third asked on");
  s._deliver(frame(3, 3), 0);
  assert.deepEqual(await Promise.all(three), [value(1), value(2), value(3)]);
});

test("return() ends the iterator, not the channel", async () => {
  const { c, s } = channel();
  setImmediate(() => s._deliver(frame(1, 3), 0));
  for await (const { offset } of c) if (offset === 1) break;
  await settled();
  const seen = [];
  c.on("message", ({ offset }) => void seen.push(offset));
  assert.deepEqual([seen, c.position.offset], [[2, 3], 3]);
});

test("return() resolves pending and later next() calls", async () => {
  const { c } = channel();
  const iterator = c[Symbol.asyncIterator]();
  const waiting = [iterator.next(), iterator.next()];
  assert.deepEqual(await iterator.return(), DONE);
  assert.deepEqual(await Promise.all([...waiting, iterator.next()]), [DONE, DONE, DONE]);
});

test("closing the channel resolves a pending next()", async () => {
  const { c } = channel();
  const next = c[Symbol.asyncIterator]().next();
  c.close();
  assert.deepEqual(await next, DONE);
  assert.deepEqual(await c[Symbol.asyncIterator]().next(), DONE, "and one made afterwards");
});

test("two iterators advance at the slower one's pace", async () => {
  const { c, s, processed } = channel();
  const [fast, slow] = [c[Symbol.asyncIterator](), c[Symbol.asyncIterator]()];
  const first = [fast.next(), slow.next()];
  s._deliver(frame(1, 2), 0);
  assert.deepEqual(await Promise.all(first), [value(1), value(1)]);
  const ahead = fast.next();
  await settled();
  assert.deepEqual(processed(), []);
  const second = slow.next();
  assert.deepEqual([await ahead, await second], [value(2), value(2)]);
  await until(() => processed().length > 0);
  assert.deepEqual(processed(), ["processed 1 at 1 1-0"]);
});

test("an ended iterator does not delay the other", async () => {
  const { c, s } = channel();
  const [stays, goes] = [c[Symbol.asyncIterator](), c[Symbol.asyncIterator]()];
  const first = [stays.next(), goes.next()];
  s._deliver(frame(1, 2), 0);
  await Promise.all(first);
  const second = stays.next();
  await goes.return();
  assert.deepEqual(await second, value(2));
});

test("a message that was never requested is not processed", async () => {
  const { c, s, processed } = channel();
  const iterator = c[Symbol.asyncIterator]();
  s._deliver(frame(1, 1), 0);
  await iterator.return();
  await settled();
  assert.deepEqual(processed(), []);
  assert.deepEqual(await c[Symbol.asyncIterator]().next(), value(1), "it is still there for another one");
});

test("a frame in a loop is reported once", async () => {
  const { c, s, processed } = channel();
  let seen = 0;
  setImmediate(() => s._deliver(frame(1, 500), 0));
  for await (const { offset } of c) if (++seen === 500) setImmediate(() => (assert.equal(offset, 500), c.close()));
  assert.equal(seen, 500);
  assert.match(processed().at(-1), /at 500 500-0$/);
  assert.ok(processed().length < 50, `${processed().length} reports`);
});

test("a slow loop reports in the middle of a frame", async () => {
  const { c, s, processed } = channel();
  setImmediate(() => s._deliver(frame(1, 3), 0));
  for await (const { offset } of c) {
    if (offset > 1)
      await until(() =>
        processed()
          .at(-1)
          ?.endsWith(`at ${offset - 1} ${offset - 1}-0`),
      );
    if (offset === 3) break;
  }
});

for (const event of ["message", "batch"]) {
  test(`a ${event} listener that joins in a loop gets the rest of the frame`, async () => {
    const { c, s, processed } = channel();
    const [seen, joined] = [[], []];
    const gate = deferred();
    setImmediate(() => s._deliver(frame(1, 6), 0));
    for await (const { offset } of c) {
      seen.push(offset);
      if (offset === 3) {
        c.on(event, (got) => (joined.push(...[got].flat().map(({ offset }) => offset)), gate.promise));
        setImmediate(() => gate.resolve());
      }
      if (offset === 6) break;
    }
    await settled();
    assert.deepEqual(
      [seen, joined],
      [
        [1, 2, 3, 4, 5, 6],
        [4, 5, 6],
      ],
    );
    assert.match(processed().at(-1), /at 6 6-0$/);
  });
}

test("leaving a loop in a frame processes what it had", async () => {
  const { c, s, processed } = channel();
  setImmediate(() => s._deliver(frame(1, 9), 0));
  for await (const { offset } of c) if (offset === 4) break;
  assert.equal(c.position.offset, 4);
  c.close();
  assert.match(processed().at(-1), /at 4 4-0$/);
});
