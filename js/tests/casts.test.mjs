// Handles that listen only to ephemeral events or `live`: they fetch no messages, and no messages delay them.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { connect } from "../dist/index.js";
import { FakeServer, until } from "./support/server.mjs";

const wasm = await readFile(new URL("../dist/seamline.wasm", import.meta.url));

function setUp(t, options = {}) {
  const server = FakeServer.install();
  const client = connect("ws://example.org/ws", {
    wasm,
    clientId: "tab",
    ackIntervalMs: 0,
    backoff: { initialMs: 1, maxMs: 5 },
    logger: {},
    ...options,
  });
  t.after(() => client.close());
  return { server, client };
}

/** A handle that records what it emits of `events`. */
function listen(client, events, options) {
  const channel = client.channel("c", options);
  const emitted = [];
  for (const event of events) channel.on(event, (what) => void emitted.push(what?.data ?? what ?? event));
  return { channel, emitted };
}

const log = (count) => Array.from({ length: count }, (_, i) => i + 1);

for (const from of ["start", "tail", { epoch: "e", offset: 0 }, undefined]) {
  test(`casts and live arrive without messages, from ${JSON.stringify(from)}`, async (t) => {
    const { server, client } = setUp(t, { queueMessages: 10 });
    server.logs.set("c", log(2000));
    const { emitted } = listen(client, ["live", "cast", "gap"], from ? { from } : {});
    await until(() => emitted.length === 1);
    server.send({ op: "cast", ch: "c", data: "before" });
    for (let offset = 2001; offset <= 2100; offset++) {
      server.log("c").push(offset);
      server.msgs("c", offset, offset); // live, as a server sends them to every subscriber
    }
    server.send({ op: "cast", ch: "c", data: "after" });
    assert.deepEqual(emitted, ["live", "before", "after"]);
    const [sub, ...others] = server.ops("sub");
    assert.deepEqual([sub.credit, others, client.stats().delivered], [0, [], 0]);
    assert.deepEqual(server.ops("ack"), [], "what nobody processed is not acknowledged");
  });
}

test("a later message listener begins at the start point", async (t) => {
  const { server, client } = setUp(t);
  server.logs.set("c", log(5));
  const { channel, emitted } = listen(client, ["live"], { from: "start" });
  await until(() => emitted.length === 1);
  const seen = [];
  channel.on("message", ({ data }) => void seen.push(data));
  await until(() => seen.length === 5 && emitted.length === 2);
  assert.deepEqual(seen, log(5));
  assert.equal(server.ops("sub").at(-1).from, "start");
  await until(() => server.ops("ack").at(-1)?.offset === 5);
});

test("a later iterator begins after a position", async (t) => {
  const { server, client } = setUp(t);
  server.logs.set("c", log(5));
  const { channel, emitted } = listen(client, ["cast", "live"], { from: { epoch: "e", offset: 3 } });
  await until(() => emitted.length === 1);
  const seen = [];
  for await (const { data } of channel) if (seen.push(data) === 2) break;
  assert.deepEqual(seen, [4, 5]);
});

test("listeners added in one turn make one subscription", async (t) => {
  const { server, client } = setUp(t);
  server.logs.set("c", log(3));
  await until(() => client.state.name === "open");
  const { emitted } = listen(client, ["live", "cast", "message"], { from: "start" });
  await until(() => emitted.at(-1) === "live");
  assert.deepEqual(emitted, [1, 2, 3, "live"]);
  assert.deepEqual([server.ops("sub").length, server.ops("unsub").length], [1, 0]);
});

test("casts continue after the handle for messages closes", async (t) => {
  const { server, client } = setUp(t, { queueMessages: 10 });
  server.logs.set("c", log(3));
  const casts = listen(client, ["cast"]);
  const messages = listen(client, ["message"], { from: "start" });
  await until(() => messages.emitted.length === 3);
  assert.equal(server.ops("sub").length, 1);
  messages.channel.close();
  await until(() => server.ops("sub").length === 2);
  assert.deepEqual([server.ops("sub")[1].credit, server.ops("unsub").length], [0, 1]);
  for (let offset = 4; offset <= 40; offset++) {
    server.log("c").push(offset);
    server.msgs("c", offset, offset);
  }
  server.send({ op: "cast", ch: "c", data: "here" });
  assert.deepEqual(casts.emitted, ["here"]);
});

test("a handle for casts does not delay messages", async (t) => {
  const { server, client } = setUp(t);
  server.logs.set("c", log(3));
  const messages = listen(client, ["message"], { from: "start" });
  const casts = listen(client, ["cast", "live"]);
  await until(() => server.ops("ack").at(-1)?.offset === 3);
  server.send({ op: "cast", ch: "c", data: "here" });
  assert.deepEqual(
    [messages.emitted, casts.emitted],
    [
      [1, 2, 3],
      ["live", "here"],
    ],
  );
  assert.equal(server.ops("sub").length, 1);
});

test("casts and messages survive a reconnect", async (t) => {
  const { server, client } = setUp(t);
  server.logs.set("c", log(3));
  const { channel, emitted } = listen(client, ["live"], { from: "start" });
  await until(() => emitted.length === 1);
  server.drop();
  await until(() => emitted.length === 2);
  assert.deepEqual(
    server.ops("sub").map(({ credit }) => credit),
    [0, 0],
  );
  const seen = [];
  channel.on("message", ({ data }) => void seen.push(data));
  server.drop(); // before it could subscribe again
  await until(() => seen.length === 3);
  assert.deepEqual(seen, log(3));
});
