// Publications without an answer when the client is closed.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { connect } from "../dist/index.js";
import { FakeServer, until } from "./support/server.mjs";

const wasm = await readFile(new URL("../dist/seamline.wasm", import.meta.url));
const LONG_MS = 600_000;

function setUp(t, options = {}) {
  const server = FakeServer.install();
  const client = connect("ws://example.org/ws", { wasm, backoff: { initialMs: 1, maxMs: 5 }, logger: {}, ...options });
  t.after(() => client.close());
  return { server, client, channel: client.channel("c") };
}

test("without flushMs, close() fails publications at once", async (t) => {
  const { server, client, channel } = setUp(t);
  server.pub = () => {};
  const published = channel.publish(1, { key: "k" });
  await until(() => server.ops("pub").length === 1);
  const closed = client.close();
  assert.equal(client.state.name, "closed");
  const message = 'publication "k" to channel "c" failed: the client is closed';
  await assert.rejects(published, { name: "SeamlineError", code: "closed", message });
  assert.equal(await closed, undefined);
});

test("with flushMs, close() waits for the answers", async (t) => {
  const { server, client, channel } = setUp(t);
  await until(() => client.state.name === "open");
  server.pub = () => {};
  const published = [channel.publish(1), client.channel("d").publish(2)];
  await until(() => server.ops("pub").length === 2);
  const closed = client.close({ flushMs: LONG_MS });
  assert.equal(client.state.name, "open");
  for (const frame of server.ops("pub")) FakeServer.prototype.pub.call(server, frame);
  await closed;
  assert.deepEqual(
    (await Promise.all(published)).map(({ offset }) => offset),
    [1, 1],
  );
  assert.deepEqual(client.state.reason, { code: "closed_by_application", message: "closed by the application" });
});

test("with flushMs, publications are resent after a cut", async (t) => {
  const { server, client, channel } = setUp(t);
  await until(() => client.state.name === "open");
  server.pub = () => {};
  const published = channel.publish(1);
  await until(() => server.ops("pub").length === 1);
  const closed = client.close({ flushMs: LONG_MS });
  delete server.pub;
  server.drop();
  await closed;
  assert.equal((await published).offset, 1);
});

test("with flushMs, publications before the wasm loads are sent", async (t) => {
  const { server, client, channel } = setUp(t);
  const published = channel.publish(1);
  await client.close({ flushMs: LONG_MS });
  assert.equal((await published).offset, 1);
  assert.equal(server.ops("pub").length, 1);
});

test("publications without an answer fail after flushMs", async (t) => {
  const { server, client, channel } = setUp(t);
  await until(() => client.state.name === "open");
  server.pub = () => {};
  const failed = assert.rejects(channel.publish(1), { code: "closed" });
  await client.close({ flushMs: 1 });
  await failed;
});

test("during a flush, channels are closed and publications refused", async (t) => {
  const { server, client, channel } = setUp(t);
  await until(() => client.state.name === "open");
  const seen = [];
  channel.on("message", ({ data }) => void seen.push(data));
  await channel.publish("a");
  await until(() => seen.length === 1);
  server.pub = () => {};
  channel.publish("b").catch(() => {});
  await until(() => server.ops("pub").length === 2);
  const closed = client.close({ flushMs: LONG_MS });
  await assert.rejects(channel.publish("c"), { code: "closed" });
  assert.throws(() => client.channel("d"), { code: "closed" });
  server.log("c").push("x");
  server.msgs("c", 2, 2);
  assert.deepEqual(seen, ["a"]);
  client.close(); // and that ends the wait
  await closed;
});

test("the end of the client ends the flush", async (t) => {
  const { server, client, channel } = setUp(t);
  await until(() => client.state.name === "open");
  server.pub = () => {};
  const failed = assert.rejects(channel.publish(1), { code: "closed" });
  await until(() => server.ops("pub").length === 1);
  const closed = client.close({ flushMs: LONG_MS });
  server.drop(4403, "go away");
  await closed;
  await failed;
  assert.equal(client.state.reason.code, "forbidden");
});

test("close() is immediate when nothing waits", async (t) => {
  const { client } = setUp(t);
  await until(() => client.state.name === "open");
  const closed = client.close({ flushMs: LONG_MS });
  assert.equal(client.state.name, "closed");
  await closed;
  await client.close({ flushMs: LONG_MS });
});

test("every publication error names the channel and key", async (t) => {
  const { server, channel } = setUp(t, { outboxMessages: 1 });
  const waits = channel.publish(1, { key: "first" }); // before the wasm is there
  await assert.rejects(channel.publish(2, { key: "k" }), {
    code: "outbox_full",
    message: 'publication "k" to channel "c" failed: too many publications wait; try again later',
  });
  await waits;
  server.pub = ({ ch, key }) => server.send({ op: "pubnack", ch, key, code: "no_way", message: "never" });
  await assert.rejects(channel.publish(3, { key: "k" }), {
    code: "no_way",
    message: 'publication "k" to channel "c" failed: never',
  });
  await assert.rejects(channel.publish("x".repeat(2000), { key: "k" }), {
    code: "too_large",
    message: /^publication "k" to channel "c" failed: /,
  });
});

test("subscriptions do not count towards outboxMessages", async (t) => {
  const { server, client, channel } = setUp(t, { outboxMessages: 1 });
  for (const name of ["a", "b", "c"]) client.channel(name).on("message", () => {});
  assert.equal((await channel.publish(1)).offset, 1);
  await until(() => server.ops("sub").length === 3);
});
