// `validate`: a Standard Schema checks and converts each payload.
import assert from "node:assert/strict";
import { test } from "node:test";
import { type } from "arktype";
import * as v from "valibot";
import { z } from "zod";
import { channel, deferred, frame, settled, subscription } from "./support/channel.mjs";

/** A schema of one's own. */
const schema = (validate) => ({ "~standard": { version: 1, vendor: "test", validate } });

/** A frame of these payloads. */
const payloads = (...data) => ({ ...frame(1, data.length), data });

/** A channel with a schema, and what it emits. */
function setUp(validate, event = "message") {
  const set = channel({ validate });
  const got = [];
  set.c.on(event, (what) => void got.push(Array.isArray(what) ? what.map(({ data }) => data) : what.data));
  set.c.on("error", (error, message) => void got.push([error.code, error.message, message?.data]));
  return { ...set, got };
}

const invalid = (id, why) =>
  `message ${id} of channel "c" has invalid data: ${why}; correct the publisher or the schema of \`validate\``;

for (const [name, make] of [
  ["Zod", () => z.object({ author: z.object({ name: z.string() }) })],
  ["Valibot", () => v.object({ author: v.object({ name: v.string() }) })],
  ["ArkType", () => type({ author: { name: "string" } })],
]) {
  test(`a schema of ${name} lets only valid payloads through`, async () => {
    const { s, c, got, processed } = setUp(make());
    const [good, bad] = [{ author: { name: "Ada" } }, { author: { name: 7 } }];
    s._deliver(payloads(good, bad, null, good), 0);
    await settled();
    assert.deepEqual([got[0], got[3]], [good, good]);
    assert.deepEqual([got[1][0], got[1][2], got[2][0], got[2][2]], ["invalid_data", bad, "invalid_data", null]);
    assert.match(got[1][1], /^message 2-0 of channel "c" has invalid data: author\.name: .*string.*; correct the /);
    assert.deepEqual([c.position.offset, got.length], [4, 4]);
    assert.match(processed().at(-1), /at 4 4-0$/);
  });
}

test("`message.data` is the schema's output", async () => {
  for (const validate of [
    z.string().transform((text) => text.length),
    v.pipe(
      v.string(),
      v.transform((text) => text.length),
    ),
    z.string().transform(async (text) => text.length),
  ]) {
    const { s, got } = setUp(validate);
    s._deliver(payloads("a", "bcd"), 0);
    await settled();
    assert.deepEqual(got, [1, 3]);
  }
});

test("each handle has its own schema", async () => {
  const { s, open } = subscription();
  const got = [];
  for (const validate of [z.number().transform((n) => -n), undefined]) {
    open({ validate }).on("message", ({ data }) => void got.push(data));
  }
  s._deliver(payloads(1), 0);
  await settled();
  assert.deepEqual(got, [-1, 1]);
});

test("invalid payloads are not part of a batch", async () => {
  const { s, c, got } = setUp(z.number(), "batch");
  s._deliver(payloads(1, "x", 3), 0);
  await settled();
  assert.deepEqual(got[0], [1, 3]);
  assert.deepEqual([got[1][0], got[1][2], c.position.offset], ["invalid_data", "x", 3]);
  s._deliver({ ...payloads("y"), n: 4 }, 0);
  await settled();
  assert.deepEqual([got.length, got[2][2], c.position.offset], [3, "y", 4], "there is no empty batch");
});

test("whatever a schema does, the channel continues", async () => {
  const cause = new Error("no");
  const thrower = () => {
    throw cause;
  };
  for (const [validate, why] of [
    [thrower, "the schema failed: Error: no"],
    [() => Promise.reject(cause), "the schema failed: Error: no"],
    // biome-ignore lint/suspicious/noThenProperty: a thenable that is no promise
    [() => ({ then: (_done, failed) => void failed?.(cause) }), "the schema failed: Error: no"],
    [() => undefined, /^the schema failed: TypeError: /],
    [() => 7, /^the schema failed: TypeError: /],
    [() => ({}), "the schema returned neither a value nor issues"],
    [async () => ({}), "the schema returned neither a value nor issues"],
    [() => ({ issues: 7 }), /^the schema failed: TypeError: /],
    [() => ({ issues: [] }), ""],
    [
      () => ({ issues: [{ message: "bad" }, { message: "worse", path: ["a", { key: 0 }, Symbol("s")] }] }),
      "bad, a.0.Symbol(s): worse",
    ],
  ]) {
    const { s, c, got } = setUp(schema((data) => (data === 1 ? validate() : { value: data })));
    s._deliver(payloads(1, 2), 0);
    await settled();
    assert.deepEqual([got[0][0], got[0][2], got[1], got.length, c.position.offset], ["invalid_data", 1, 2, 2, 2]);
    if (typeof why === "string") assert.equal(got[0][1], invalid("1-0", why));
    else assert.match(got[0][1].slice(invalid("1-0", "").indexOf(": ") + 2), why);
  }
});

test("the error has the issues as its cause", async () => {
  const { c, s } = channel({ validate: z.number() });
  const causes = [];
  c.on("error", ({ cause }) => causes.push(cause));
  c.on("message", () => {});
  s._deliver(payloads("x"), 0);
  await settled();
  assert.equal(causes[0][0].code, "invalid_type");
});

test("a schema that hangs holds up only its handle", async () => {
  const { s, open } = subscription();
  const c = open();
  const hanging = open({ validate: schema(() => new Promise(() => {})) });
  const got = [];
  hanging.on("message", () => got.push("hanging"));
  c.on("message", ({ data }) => void got.push(data));
  s._deliver(payloads(1, 2), 0);
  await settled();
  assert.deepEqual([got, hanging.position.offset], [[1, 2], 0]);
  const next = hanging[Symbol.asyncIterator]().next();
  hanging.close();
  assert.deepEqual(await next, { value: undefined, done: true });
});

test("a message whose listener left meanwhile waits for the next", async () => {
  const gate = deferred();
  const { c, s } = channel({ validate: schema(() => gate.promise) });
  const off = c.on("message", () => assert.fail("it was removed"));
  s._deliver(payloads(1), 0);
  off();
  gate.resolve({ value: "one" });
  await settled();
  assert.equal(c.position.offset, 0);
  const got = [];
  c.on("message", ({ data }) => void got.push(data));
  await settled();
  assert.deepEqual([got, c.position.offset], [["one"], 1]);
});

test("closing while a schema is busy emits nothing", async () => {
  const gate = deferred();
  const { c, s, got } = setUp(schema(() => gate.promise));
  s._deliver(payloads(1), 0);
  c.close();
  gate.resolve({ issues: [{ message: "late" }] });
  await settled();
  assert.deepEqual(got, []);
});
