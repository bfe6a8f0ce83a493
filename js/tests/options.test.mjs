// Invalid options are refused by name at the call, where the stack trace still shows the caller.
import assert from "node:assert/strict";
import { test } from "node:test";
import { connect, SeamlineError } from "../dist/index.js";

const NAMES =
  "token, clientId, backoff, dialect, plain, connectTimeoutMs, tokenTimeoutMs, heartbeatMs, pongTimeoutMs, probeTimeoutMs, stableMs, " +
  "ackIntervalMs, replayCredit, queueMessages, queueBytes, outboxMessages, storage, wasm, WebSocket, logger, shared, positions";
const MS = "a whole number of milliseconds, at most 2147483647";
const COUNT = "a whole number, 0 or more";
const NOT_COUNTS = [-1, 1.5, Number.NaN, Infinity, 2 ** 53, "5", null, true, 5n];
const NOT_MS = [...NOT_COUNTS, 2 ** 31];

/** Never loads: nothing here needs the wasm. */
const wasm = new Promise(() => {});
const open = (options) => connect("ws://localhost/ws", { wasm, ...options });
const refused = (message) => (error) => {
  assert.ok(error instanceof SeamlineError && error instanceof Error);
  assert.equal(error.name, "SeamlineError");
  assert.equal(error.code, "bad_option");
  assert.equal(error.message, message);
  return true;
};
const unknown = (what, name, names) => refused(`unknown ${what}: "${name}"; use one of ${names}`);
const invalid = (what, value, expected) => {
  const isJson = typeof value === "string" || typeof value === "object";
  const shown = what.endsWith('"token"') ? '"(hidden)"' : isJson ? JSON.stringify(value) : String(value);
  return refused(`invalid ${what}: ${shown.slice(0, 100)}; pass ${expected}`);
};

const wrong = {
  token: ["a well-formed string or a function", [1, null, {}, true]],
  clientId: ["a well-formed string of 1 to 200 bytes", ["", 1, null, "x".repeat(201), "é".repeat(101)]],
  backoff: ["an object", [500, null, "500"]],
  dialect: ['"seamline", or `plain` of "seamline/plain"', ["", "Plain", null, true, ["plain"]]],
  plain: ["an object, with dialect: plain", ["plain", null, true, {}]],
  connectTimeoutMs: [MS, NOT_MS],
  tokenTimeoutMs: [MS, NOT_MS],
  heartbeatMs: [MS, NOT_MS],
  pongTimeoutMs: [MS, NOT_MS],
  probeTimeoutMs: [MS, NOT_MS],
  stableMs: [MS, NOT_MS],
  ackIntervalMs: [MS, NOT_MS],
  replayCredit: [COUNT, NOT_COUNTS],
  queueMessages: [COUNT, NOT_COUNTS],
  queueBytes: [COUNT, NOT_COUNTS],
  outboxMessages: [COUNT, NOT_COUNTS],
  storage: ["a storage", [1, null, {}, "indexedDb"]],
  wasm: ["a URL, a Response, bytes or a module", [1, null, true]],
  WebSocket: ["a constructor", [1, null, true, {}, "ws"]],
  logger: ["an object like console", [null, "console", console.log]],
  shared: ["tabs()", [true, "tabs", null, {}, () => {}]],
  positions: ["an adapter of seamline/effects", [null, {}, "positions", () => {}]],
};

test("the table covers every option", () => {
  assert.equal(Object.keys(wrong).join(", "), NAMES);
});

for (const [name, [expected, values]] of Object.entries(wrong)) {
  test(`\`${name}\` must be ${expected}`, () => {
    for (const value of values) {
      assert.throws(() => open({ [name]: value }), invalid(`option "${name}"`, value, expected), String(value));
    }
    open({ [name]: undefined }).close();
  });

  test(`a misspelt \`${name}\` is refused with the known names`, () => {
    const misspelt = `${name}x`;
    assert.throws(() => open({ [misspelt]: 1 }), unknown("option", misspelt, NAMES));
  });
}

test("valid options are accepted", () => {
  const client = open({
    token: async () => "t",
    clientId: "x".repeat(200),
    backoff: { initialMs: 0, maxMs: 1 },
    connectTimeoutMs: 2 ** 31 - 1,
    tokenTimeoutMs: 1,
    heartbeatMs: 0,
    pongTimeoutMs: 1,
    probeTimeoutMs: 1,
    stableMs: 1,
    ackIntervalMs: 1,
    replayCredit: 1,
    queueMessages: 1,
    queueBytes: 1,
    outboxMessages: 1,
    WebSocket: class {},
    logger: {},
  });
  client.close();
});

test("the options of `backoff` are checked", () => {
  for (const name of ["initialMs", "maxMs"]) {
    for (const value of NOT_MS) {
      assert.throws(() => open({ backoff: { [name]: value } }), invalid(`option of backoff "${name}"`, value, MS));
    }
  }
  assert.throws(() => open({ backoff: { maxMS: 1 } }), unknown("option of backoff", "maxMS", "initialMs, maxMs"));
});

test("the options of `plain` are checked", () => {
  const take = (plain) => open({ dialect: "plain", plain });
  const wrong = {
    settleMs: [MS, NOT_MS],
    windowMessages: [COUNT, NOT_COUNTS],
    silenceMs: [MS, NOT_MS],
    idPath: ["a well-formed string", [1, null, ["id"], false]],
    numberPath: ["a well-formed string or false", [1, null, true]],
  };
  for (const [name, [expected, values]] of Object.entries(wrong)) {
    for (const value of values) {
      const error = invalid(`option of plain "${name}"`, value, expected);
      assert.throws(() => take({ [name]: value }), error, String(value));
    }
  }
  assert.throws(() => take({ settleMS: 1 }), unknown("option of plain", "settleMS", Object.keys(wrong).join(", ")));
  take({ idPath: "a.b", numberPath: false, settleMs: 1, windowMessages: 1, silenceMs: 1 }).close();
});

test("inherited property names are unknown options", () => {
  for (const name of ["constructor", "toString", "hasOwnProperty"]) {
    assert.throws(() => open({ [name]: 1 }), unknown("option", name, NAMES));
  }
});

test("options must be an object", () => {
  for (const options of [null, "token", 7]) {
    assert.throws(() => connect("ws://localhost/ws", options), invalid("options", options, "an object"));
  }
});

test("the options of close() are checked", () => {
  const client = open();
  for (const flushMs of NOT_MS) {
    assert.throws(() => client.close({ flushMs }), invalid('option of close "flushMs"', flushMs, MS));
  }
  assert.throws(() => client.close({ flush: 1 }), unknown("option of close", "flush", "flushMs"));
  assert.throws(() => client.close(null), invalid("options of close", null, "an object"));
  assert.equal(client.state.name, "connecting");
  client.close();
});

test("the options of publish() are checked", async () => {
  const client = open();
  const channel = client.channel("c");
  await assert.rejects(channel.publish(1, null), invalid("options of publish", null, "an object"));
  await assert.rejects(
    channel.publish(1, { key: Symbol() }),
    invalid('option of publish "key"', Symbol(), "a well-formed string"),
  );
  await assert.rejects(channel.publish(1, { kee: "k" }), unknown("option of publish", "kee", "key"));
  client.close();
});

test("the options of a channel are checked", () => {
  const client = open();
  const FROM = '"start", "tail", a position { epoch, offset, id } or state() of seamline/state';
  const froms = [
    "end",
    "",
    5,
    null,
    {},
    { epoch: "e" },
    { offset: 1 },
    { epoch: 1, offset: 1 },
    { epoch: "e", offset: -1 },
    { epoch: "e", offset: 1, id: 5 },
  ];
  const table = [
    ...froms.map((from) => [{ from }, invalid('option of channel "from"', from, FROM)]),
    [{ redeliver: 3 }, invalid('option of channel "redeliver"', 3, "an object")],
    [{ form: "start" }, unknown("option of channel", "form", "from, redeliver, transaction, validate")],
    [{ validate: {} }, invalid('option of channel "validate"', {}, "a schema that implements Standard Schema v1")],
    [{ validate: null }, invalid('option of channel "validate"', null, "a schema that implements Standard Schema v1")],
    [{ redeliver: { attempts: 0 } }, invalid('option of redeliver "attempts"', 0, "a whole number, 1 or more")],
    ...NOT_MS.map((delayMs) => [
      { redeliver: { attempts: 2, delayMs } },
      invalid('option of redeliver "delayMs"', delayMs, MS),
    ]),
    [{ redeliver: { attempt: 2 } }, unknown("option of redeliver", "attempt", "attempts, delayMs")],
    [null, invalid("options of channel", null, "an object")],
  ];
  for (const [options, error] of table) assert.throws(() => client.channel("c", options), error);
  client.channel("a", { from: "start" });
  client.channel("b", { from: "tail", redeliver: { attempts: 2 } });
  const validate = Object.assign(() => {}, { "~standard": { version: 1, vendor: "mine", validate: () => ({}) } });
  client.channel("d", { validate });
  client.channel("c", { from: { epoch: "e", offset: 0 }, redeliver: { attempts: 1, delayMs: 0 } });
  client.channel("d", { from: { epoch: "e", offset: 5, id: "5-0" } });
  client.close();
});
