// The plain dialect: its wasm is loaded in place of the other, and each of its settings has its effect.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { connect } from "../dist/index.js";
import { until } from "./support/server.mjs";

const wasm = await readFile(new URL("../dist/seamline-plain.wasm", import.meta.url));
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** A WebSocket whose other end is the test. */
class Socket {
  static all = [];
  bufferedAmount = 0;
  sent = [];

  constructor(url, protocols) {
    Object.assign(this, { url: new URL(url), protocols });
    Socket.all.push(this);
    queueMicrotask(() => this.onopen?.({}));
  }

  send(text) {
    this.sent.push(JSON.parse(text));
  }

  fire(object) {
    this.sayText(JSON.stringify(object));
  }

  sayText(data) {
    this.onmessage?.({ data });
  }

  drop(code = 1006) {
    this.onclose?.({ code, reason: "" });
  }

  close() {}
}

async function setUp(t, options = {}) {
  Socket.all = [];
  globalThis.WebSocket = Socket;
  const client = connect("ws://example.org/ws?conversation_id=c", {
    dialect: "plain",
    wasm,
    logger: {},
    clientId: "me",
    backoff: { initialMs: 1, maxMs: 1 },
    ...options,
  });
  t.after(() => client.close());
  const room = client.channel("c");
  const seen = [];
  const casts = [];
  room.on("message", (message) => seen.push(message));
  room.on("cast", (data) => casts.push(data));
  await until(() => client.state.name === "open");
  return { client, room, seen, casts, socket: () => Socket.all.at(-1) };
}

test("a handle for casts alone gets them", async (t) => {
  Socket.all = [];
  globalThis.WebSocket = Socket;
  const client = connect("ws://example.org/ws?conversation_id=c", {
    dialect: "plain",
    wasm,
    logger: {},
    backoff: { initialMs: 1, maxMs: 1 },
  });
  t.after(() => client.close());
  const room = client.channel("c");
  const emitted = [];
  room.on("error", (error) => emitted.push(error.code));
  room.on("cast", ({ type }) => emitted.push(type));
  await until(() => client.state.name === "open");
  const [socket] = Socket.all;
  for (let n = 1; n <= 3; n++) socket.fire({ stream_id: `${n}-0`, sequence_number: n });
  socket.fire({ type: "typing" });
  await until(() => emitted.length > 0);
  assert.deepEqual([emitted, Socket.all.length], [["typing"], 1]);
});

test("no subprotocol is requested, and messages arrive once", async (t) => {
  const { room, seen, socket } = await setUp(t);
  assert.equal(socket().protocols, undefined);
  assert.equal(socket().url.search, "?conversation_id=c&client_id=me");
  const hello = { stream_id: "7-0", id: "uuid", sequence_number: 1, text: "hello" };
  socket().fire(hello);
  socket().fire(hello);
  assert.deepEqual(seen, [{ id: "7-0", offset: 1, data: hello, replayed: true }]);
  assert.deepEqual(room.position, { epoch: "plain-numbered", offset: 1, id: "7-0" });
});

test("another channel takes the place of one that is closed", async (t) => {
  const { client, room } = await setUp(t);
  room.close();
  const other = client.channel("other");
  const seen = [];
  other.on("error", ({ code }) => seen.push(code));
  other.on("message", ({ id }) => seen.push(id));
  await until(() => {
    Socket.all.at(-1).fire({ id: `${seen.length + 1}-0` });
    return seen.length > 0;
  });
  assert.deepEqual(seen, ["1-0"]);
});

test("integer ids above 2^53 are exact", async (t) => {
  const { seen, casts, socket } = await setUp(t);
  const ids = ["9007199254740992", "9007199254740993", "12345678901234567890123"];
  for (const id of [...ids, ...ids]) socket().sayText(`{"type":"message.new","id":${id}}`);
  for (const id of ids) socket().sayText(`{"message": {"id": ${id}1}}`);
  assert.deepEqual(
    seen.map(({ id }) => id),
    [...ids, ...ids.map((id) => `${id}1`)],
  );
  assert.deepEqual(casts, []);
});

test("a number above 2^53 is reported once", async (t) => {
  const { room, seen, casts, socket } = await setUp(t);
  const errors = [];
  room.on("error", ({ code, message }) => errors.push([code, message]));
  socket().fire({ id: "1-0", sequence_number: 1 });
  for (const id of ["2-0", "2-0", "3-0"]) socket().sayText(`{"id":"${id}","sequence_number":9007199254740993}`);
  assert.deepEqual(
    errors.map(([code]) => code),
    ["bad_number"],
  );
  assert.match(errors[0][1], /9007199254740993.*numberPath/);
  assert.deepEqual([seen.length, casts.map(({ id }) => id)], [1, ["2-0", "3-0"]]);
});

test("a hole that no replay fills is a gap", async (t) => {
  const settleMs = 30;
  const { client, room, seen, socket } = await setUp(t, { plain: { settleMs } });
  const gaps = [];
  room.on("gap", (gap) => gaps.push(gap));
  const fire = (from, to) => {
    for (let n = from; n <= to; n++) socket().fire({ stream_id: `${1000 + n}-0`, sequence_number: n });
  };
  fire(1, 5);
  let last = socket();
  last.drop();
  for (let connections = 0; gaps.length === 0 && connections < 10; connections++) {
    await until(() => socket() !== last && client.state.name === "open");
    last = socket();
    await sleep(3 * settleMs); // nothing comes for longer than the client waits
    fire(9, 12);
    await until(() => gaps.length > 0 || socket() !== last);
  }
  await until(() => seen.length === 9);
  assert.deepEqual(gaps, [{ from: 6, to: 8, reason: "hole" }]);
  assert.deepEqual(
    seen.map(({ offset }) => offset),
    [1, 2, 3, 4, 5, 9, 10, 11, 12],
  );
  assert.equal(client.stats().connects, 3, "it was asked for once");
});

test("plain.idPath and plain.numberPath locate ids and numbers", async (t) => {
  const { seen, casts, socket } = await setUp(t, { plain: { idPath: "a.id", numberPath: "a.n" } });
  socket().fire({ id: "5-0", sequence_number: 3 });
  socket().fire({ a: { id: "7-0", n: 1 } });
  assert.deepEqual(
    seen.map(({ id, offset }) => [id, offset]),
    [["7-0", 1]],
  );
  assert.deepEqual(casts, [{ id: "5-0", sequence_number: 3 }]);
});

test("plain.numberPath: false ignores numbers", async (t) => {
  const { room, seen, socket } = await setUp(t, { plain: { numberPath: false } });
  socket().fire({ id: "7-0", sequence_number: 100 });
  socket().fire({ id: "8-0", sequence_number: 50 });
  assert.deepEqual(
    seen.map(({ offset }) => offset),
    [1, 2],
  );
  assert.equal(room.position.epoch, "plain");
  assert.equal(room.lastMessageId, undefined, "nothing has settled yet");
});

test("plain.settleMs limits the wait for a missing number", async (t) => {
  const { socket } = await setUp(t, { plain: { settleMs: 30 } });
  const first = socket();
  first.fire({ id: "1-0", sequence_number: 1 });
  first.fire({ id: "3-0", sequence_number: 3 });
  await until(() => socket() !== first);
});

test("plain.windowMessages limits the remembered ids", async (t) => {
  const { seen, socket } = await setUp(t, { plain: { windowMessages: 2 } });
  for (const id of ["a", "b", "c", "c", "a"]) socket().fire({ id });
  assert.deepEqual(
    seen.map(({ id }) => id),
    ["a", "b", "c", "a"],
  );
});

test("plain.silenceMs replaces a silent connection after a wake", async (t) => {
  const page = new EventTarget();
  globalThis.addEventListener = page.addEventListener.bind(page);
  t.after(() => delete globalThis.addEventListener);
  const { socket } = await setUp(t, { plain: { silenceMs: 1000 } });
  const first = socket();
  page.dispatchEvent(new Event("online"));
  first.fire({ type: "typing" });
  await sleep(1200);
  assert.equal(socket(), first, "it has shown that it lives");
  page.dispatchEvent(new Event("online"));
  await until(() => socket() !== first);
});

test("one page can use both dialects", async (t) => {
  const { seen, socket } = await setUp(t);
  const other = connect("ws://example.org/ws", {
    wasm: await readFile(new URL("../dist/seamline.wasm", import.meta.url)),
    logger: {},
  });
  t.after(() => other.close());
  const plain = socket();
  await until(() => socket() !== plain && socket().sent.length > 0);
  assert.equal(socket().sent[0].op, "hello");
  assert.equal(socket().protocols, "seamline.v1");
  plain.fire({ id: "1-0" });
  assert.equal(seen.length, 1);
});
