// Publications that the server refuses for now, or closes the connection for.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { connect } from "../dist/index.js";
import { FakeServer, until } from "./support/server.mjs";

const wasm = await readFile(new URL("../dist/seamline.wasm", import.meta.url));
const QUICK = { wasm, clientId: "tab", backoff: { initialMs: 1, maxMs: 5 }, logger: {} };

function setUp(t) {
  const server = FakeServer.install();
  const client = connect("ws://example.org/ws", QUICK);
  t.after(() => client.close());
  return { server, client, room: client.channel("room") };
}

/** Closes with this code whenever the message "bad" comes. */
function choke(server, code) {
  const { pub } = server;
  server.pub = (frame) => (frame.data === "bad" ? server.drop(code) : pub.call(server, frame));
}

for (const [code, expected, times] of [
  [1009, "too_large", 1],
  [1008, "undeliverable", 3],
  [4413, "undeliverable", 3],
]) {
  test(`a publication closed with ${code} fails with ${expected}`, async (t) => {
    const { server, room } = setUp(t);
    choke(server, code);
    await assert.rejects(room.publish("bad"), (error) => error.code === expected);
    assert.equal(server.ops("pub").filter(({ data }) => data === "bad").length, times);
    assert.equal((await room.publish("good")).offset, 1);
  });
}

test("a publication survives four broken connections", async (t) => {
  const { server, room } = setUp(t);
  let cuts = 0;
  const { pub } = server;
  server.pub = (frame) => (cuts++ < 4 ? server.drop(1006) : pub.call(server, frame));
  assert.equal((await room.publish("unlucky")).offset, 1);
});

test("later publications wait behind a deferred one", async (t) => {
  const { server, room } = setUp(t);
  const { pub } = server;
  let isRefused = true;
  server.pub = (frame) => {
    const refusal = { op: "pubnack", ch: frame.ch, key: frame.key, code: "too_fast", retry_after_ms: 100 };
    return isRefused ? server.send(refusal) : pub.call(server, frame);
  };
  const all = [1, 2, 3].map((i) => room.publish(i));
  await until(() => server.ops("pub").length === 3);
  isRefused = false;
  await Promise.all([...all, room.publish(4)]);
  assert.deepEqual(server.logs.get("room"), [1, 2, 3, 4]);
});

test("a payload is serialized once, however often it is sent", async (t) => {
  const { server, client, room } = setUp(t);
  let calls = 0;
  const payload = { toJSON: () => ({ calls: ++calls }) };
  const { pub } = server;
  let cuts = 0;
  server.pub = (frame) => (cuts++ < 2 ? server.drop(1006) : pub.call(server, frame));
  await room.publish(payload);
  assert.deepEqual(
    server.ops("pub").map(({ data }) => data),
    [{ calls: 1 }, { calls: 1 }, { calls: 1 }],
  );
  await until(() => client.state.name === "open");
  room.cast(payload);
  await until(() => server.ops("cast").length === 1);
  assert.deepEqual([server.ops("cast")[0].data, calls], [{ calls: 2 }, 2]);
});
