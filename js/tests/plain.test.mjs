// The plain dialect: its wasm is loaded in place of the other, and each of its settings reaches what it is
// for; they cross into the wasm by their place in an array.
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

  say(object) {
    this.onmessage?.({ data: JSON.stringify(object) });
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
    dialect: "plain", wasm, logger: {}, clientId: "me", backoff: { initialMs: 1, maxMs: 1 }, ...options,
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

test("no subprotocol is asked for, and each message is handed over once", async (t) => {
  const { room, seen, socket } = await setUp(t);
  assert.equal(socket().protocols, undefined);
  assert.equal(socket().url.search, "?conversation_id=c&client_id=me");
  const hello = { stream_id: "7-0", id: "uuid", sequence_number: 1, text: "hello" };
  socket().say(hello);
  socket().say(hello);
  assert.deepEqual(seen, [{ id: "7-0", offset: 1, data: hello, replayed: true }]);
  assert.deepEqual(room.position, { epoch: "plain-numbered", offset: 1, id: "7-0" });
});

test("plain.idPath and plain.numberPath: where ids and numbers are", async (t) => {
  const { seen, casts, socket } = await setUp(t, { plain: { idPath: "a.id", numberPath: "a.n" } });
  socket().say({ id: "5-0", sequence_number: 3 });
  socket().say({ a: { id: "7-0", n: 1 } });
  assert.deepEqual(seen.map(({ id, offset }) => [id, offset]), [["7-0", 1]]);
  assert.deepEqual(casts, [{ id: "5-0", sequence_number: 3 }]);
});

test("plain.numberPath: false leaves numbers alone", async (t) => {
  const { room, seen, socket } = await setUp(t, { plain: { numberPath: false } });
  socket().say({ id: "7-0", sequence_number: 100 });
  socket().say({ id: "8-0", sequence_number: 50 });
  assert.deepEqual(seen.map(({ offset }) => offset), [1, 2]);
  assert.equal(room.position.epoch, "plain");
  assert.equal(room.lastMessageId, undefined, "nothing has settled yet");
});

test("plain.settleMs: how long a missing number is waited for", async (t) => {
  const { socket } = await setUp(t, { plain: { settleMs: 30 } });
  const first = socket();
  first.say({ id: "1-0", sequence_number: 1 });
  first.say({ id: "3-0", sequence_number: 3 });
  await until(() => socket() !== first);
});

test("plain.windowMessages: how many ids are remembered", async (t) => {
  const { seen, socket } = await setUp(t, { plain: { windowMessages: 2 } });
  for (const id of ["a", "b", "c", "c", "a"]) socket().say({ id });
  assert.deepEqual(seen.map(({ id }) => id), ["a", "b", "c", "a"]);
});

test("plain.silenceMs: after a wake sign, a silent connection is replaced", async (t) => {
  const page = new EventTarget();
  globalThis.addEventListener = page.addEventListener.bind(page);
  t.after(() => delete globalThis.addEventListener);
  const { socket } = await setUp(t, { plain: { silenceMs: 1000 } });
  const first = socket();
  page.dispatchEvent(new Event("online"));
  first.say({ type: "typing" });
  await sleep(1200);
  assert.equal(socket(), first, "it has shown that it lives");
  page.dispatchEvent(new Event("online"));
  await until(() => socket() !== first);
});

test("both dialects can be spoken on one page", async (t) => {
  const { seen, socket } = await setUp(t);
  const other = connect("ws://example.org/ws", { wasm: await readFile(new URL("../dist/seamline.wasm", import.meta.url)), logger: {} });
  t.after(() => other.close());
  const plain = socket();
  await until(() => socket() !== plain && socket().sent.length > 0);
  assert.equal(socket().sent[0].op, "hello");
  assert.equal(socket().protocols, "seamline.v1");
  plain.say({ id: "1-0" });
  assert.equal(seen.length, 1);
});
