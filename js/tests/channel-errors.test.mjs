// Failing handlers: they are reported, and with `redeliver` tried again, and the channel continues.
import assert from "node:assert/strict";
import { test } from "node:test";
import { channel, deferred, frame, settled } from "./support/channel.mjs";

const failures = {
  throws: (error) => {
    throw error;
  },
  rejects: (error) => Promise.reject(error),
};

for (const [how, fail] of Object.entries(failures)) {
  test(`a handler that ${how} is reported, and the next message arrives`, async () => {
    const { c, s, processed } = channel();
    const seen = [];
    const errors = [];
    c.on("error", (error, message) => errors.push([error.message, message.offset]));
    c.on("message", ({ offset }) => (seen.push(offset), offset === 2 ? fail(new Error("no")) : undefined));
    s._deliver(frame(1, 3), 0);
    await settled();
    assert.deepEqual([seen, errors], [[1, 2, 3], [["no", 2]]]);
    assert.match(processed().at(-1), /at 3 3-0$/);
    assert.equal(c.position.offset, 3);
  });

  test(`a message is redelivered to a handler that ${how}`, async (t) => {
    t.mock.timers.enable({ apis: ["setTimeout"] });
    const { c, s, processed } = channel({ redeliver: { attempts: 3, delayMs: 50 } });
    const seen = [];
    const errors = [];
    c.on("error", (_, message) => errors.push(message.offset));
    c.on("message", ({ offset }) => (seen.push(offset), offset === 1 ? fail(new Error("no")) : undefined));
    s._deliver(frame(1, 2), 0);
    await settled();
    t.mock.timers.tick(49);
    await settled();
    assert.deepEqual(seen, [1], "not before the delay");
    t.mock.timers.tick(1);
    await settled();
    assert.deepEqual([seen, processed()], [[1, 1], []], "the next message waits");
    t.mock.timers.tick(50);
    await settled();
    assert.deepEqual(
      [seen, errors],
      [
        [1, 1, 1, 2],
        [1, 1, 1],
      ],
    );
    assert.equal(c.position.offset, 2);
  });
}

test("a successful redelivery is not repeated", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const { c, s, processed } = channel({ redeliver: { attempts: 5, delayMs: 10 } });
  let calls = 0;
  c.on("error", () => {});
  c.on("message", () => {
    if (++calls === 1) throw new Error("once");
  });
  s._deliver(frame(1, 1), 0);
  t.mock.timers.tick(1000);
  await settled();
  assert.deepEqual([calls, processed()], [2, ["processed 1 at 1 1-0"]]);
});

test("the defaults are one attempt and one second", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  for (const [options, expected] of [
    [{}, [1, 1]],
    [{ redeliver: { attempts: 2 } }, [1, 2]],
  ]) {
    const { c, s } = channel(options);
    let calls = 0;
    c.on("error", () => {});
    c.on("message", () => {
      calls++;
      throw new Error("no");
    });
    s._deliver(frame(1, 1), 0);
    t.mock.timers.tick(999);
    await settled();
    const before = calls;
    t.mock.timers.tick(1);
    await settled();
    assert.deepEqual([before, calls], expected);
  }
});

test("a failing listener does not affect the others", () => {
  const { c, s } = channel();
  const seen = [];
  c.on("error", () => {});
  c.on("message", () => {
    throw new Error("no");
  });
  c.on("message", ({ offset }) => void seen.push(offset));
  s._deliver(frame(1, 2), 0);
  assert.deepEqual(seen, [1, 2]);
});

test("an error without a listener is logged", () => {
  const { c, s, logged } = channel();
  c.on("message", () => {
    throw new Error("no");
  });
  s._deliver(frame(1, 1), 0);
  assert.equal(logged.length, 1);
  assert.match(String(logged[0]), /error,seamline: channel "c":,Error: no/);
});

test("a failing error listener is only logged", async () => {
  const { c, s, logged } = channel();
  const seen = [];
  c.on("error", () => {
    throw new Error("worse");
  });
  c.on("error", () => Promise.reject(new Error("worse, later")));
  c.on("message", ({ offset }) => (seen.push(offset), Promise.reject(new Error("no"))));
  s._deliver(frame(1, 2), 0);
  await settled();
  assert.deepEqual(seen, [1, 2]);
  assert.equal(logged.length, 4);
});

test("failures of other listeners are reported as errors", async () => {
  const { c, s } = channel();
  const errors = [];
  c.on("error", (error, message) => errors.push([error.message, message]));
  c.on("live", () => {
    throw new Error("live");
  });
  c.on("cast", () => Promise.reject(new Error("cast")));
  s._live();
  s._cast(1);
  await settled();
  assert.deepEqual(errors, [
    ["live", undefined],
    ["cast", undefined],
  ]);
});

test("closing a channel cancels a pending redelivery", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const { c, s, processed } = channel({ redeliver: { attempts: 9, delayMs: 10 } });
  let calls = 0;
  c.on("error", () => {});
  c.on("message", () => (calls++, Promise.reject(new Error("no"))));
  s._deliver(frame(1, 1), 0);
  await settled();
  c.close();
  t.mock.timers.tick(1000);
  await settled();
  assert.deepEqual([calls, processed()], [1, []]);
});

test("removing a listener cancels its pending redelivery", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const { c, s, processed } = channel({ redeliver: { attempts: 9, delayMs: 10 } });
  let calls = 0;
  c.on("error", () => {});
  const off = c.on("message", () => (calls++, Promise.reject(new Error("no"))));
  s._deliver(frame(1, 1), 0);
  await settled();
  off();
  t.mock.timers.tick(10);
  await settled();
  assert.deepEqual([calls, processed()], [1, ["processed 1 at 1 1-0"]]);
});

test("a handler failure after close is still reported", async () => {
  const { c, s } = channel();
  const gate = deferred();
  const errors = [];
  c.on("error", (error) => errors.push(error.message));
  c.on("message", () => gate.promise);
  s._deliver(frame(1, 1), 0);
  c.close();
  gate.reject(new Error("late"));
  await settled();
  assert.deepEqual(errors, ["late"]);
});
