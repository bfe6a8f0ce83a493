// The effect of each option that is a number. They cross into the wasm by their place in an array.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { connect } from "../dist/index.js";
import { FakeServer, until } from "./support/server.mjs";

const wasm = await readFile(new URL("../dist/seamline.wasm", import.meta.url));

function setUp(t, options) {
  const server = FakeServer.install();
  const client = connect("ws://example.org/ws", { wasm, logger: {}, ...options });
  const waits = [];
  client.on("state", (state) => state.name === "waiting" && waits.push({ ...state, inMs: state.retryAt - Date.now() }));
  t.after(() => client.close());
  return { server, client, waits, open: () => until(() => client.state.name === "open") };
}

for (const backoff of [
  { initialMs: 1, maxMs: 600_000 },
  { initialMs: 600_000, maxMs: 1 },
]) {
  test(`backoff bounds the first wait and every wait: ${JSON.stringify(backoff)}`, async (t) => {
    const { server, waits, open } = setUp(t, { backoff });
    await open();
    server.drop();
    assert.ok(waits[0].inMs <= 1);
  });
}

test("connectTimeoutMs limits the wait for the welcome", async (t) => {
  const { server, waits } = setUp(t, { connectTimeoutMs: 20 });
  server.hello = () => {};
  await until(() => waits.length > 0);
  assert.equal(waits[0].reason.code, "connect_timeout");
});

test("tokenTimeoutMs limits the token function", async (t) => {
  let calls = 0;
  const token = () => new Promise(() => calls++);
  const { waits } = setUp(t, { tokenTimeoutMs: 20, token });
  await until(() => waits.length > 1 && calls > 1);
  assert.equal(waits[0].reason.code, "token_failed");
});

test("heartbeatMs of silence are followed by a ping", async (t) => {
  const { server, open } = setUp(t, { heartbeatMs: 20 });
  await open();
  await until(() => server.ops("ping").length >= 2);
});

test("pongTimeoutMs limits the wait for a pong", async (t) => {
  const { server, waits } = setUp(t, { heartbeatMs: 10, pongTimeoutMs: 20 });
  server.ping = () => {};
  await until(() => waits.length > 0);
  assert.equal(waits[0].reason.code, "heartbeat_timeout");
});

test("probeTimeoutMs limits the wait after a wake", async (t) => {
  const page = new EventTarget();
  globalThis.addEventListener = page.addEventListener.bind(page);
  t.after(() => delete globalThis.addEventListener);
  const { server, waits, open } = setUp(t, { probeTimeoutMs: 20 });
  await open();
  server.ping = () => {};
  page.dispatchEvent(new Event("online"));
  await until(() => waits.length > 0);
  assert.ok(server.ops("ping").length >= 1); // a page that has slept asks once more
  assert.equal(waits[0].reason.code, "heartbeat_timeout");
});

for (const [stableMs, attempts] of [
  [1, [1, 1]],
  [600_000, [1, 2]],
]) {
  test(`stableMs resets the backoff: ${stableMs}`, async (t) => {
    const { server, waits, open } = setUp(t, { stableMs, backoff: { initialMs: 1, maxMs: 1 } });
    for (const _ of attempts) {
      await open();
      await new Promise((resolve) => setTimeout(resolve, 20));
      server.drop();
    }
    assert.deepEqual(
      waits.map(({ attempt }) => attempt),
      attempts,
    );
  });
}

for (const [ackIntervalMs, expected] of [
  [10, 1],
  [600_000, 0],
]) {
  test(`ackIntervalMs delays acknowledgements: ${ackIntervalMs}`, async (t) => {
    const { server, client } = setUp(t, { ackIntervalMs });
    server.logs.set("c", ["a"]);
    client.channel("c", { from: "start" }).on("message", () => {});
    await until(() => client.stats().delivered === 1);
    if (expected) await until(() => server.ops("ack").length > 0);
    await new Promise((resolve) => setTimeout(resolve, 60));
    assert.equal(server.ops("ack").length, expected);
  });
}

test("replayCredit is granted in `sub` and renewed", async (t) => {
  const { server, client } = setUp(t, { replayCredit: 4, queueMessages: 4 }); // the window cannot grow
  server.logs.set("c", ["a", "b"]);
  client.channel("c", { from: "start" }).on("message", () => {});
  await until(() => server.ops("more").length > 0);
  assert.deepEqual([server.ops("sub")[0].credit, server.ops("more")], [4, [{ op: "more", ch: "c", credit: 2 }]]);
});

test("beyond queueMessages the client drops and replays messages", async (t) => {
  const { server, client } = setUp(t, { queueMessages: 4 });
  const seen = [];
  let release;
  const gate = new Promise((resolve) => (release = resolve));
  client.channel("c", { from: "start" }).on("message", ({ data }) => (seen.push(data), gate));
  await until(() => server.ops("sub").length === 1);
  server.logs.set("c", [1, 2, 3, 4, 5, 6]);
  for (let offset = 1; offset <= 6; offset++) server.msgs("c", offset, offset);
  await until(() => server.ops("unsub").length === 1);
  release();
  await until(() => seen.length === 6);
  assert.deepEqual(seen, [1, 2, 3, 4, 5, 6]);
  assert.equal(server.ops("sub")[1].position.offset, 4);
});

test("outboxMessages limits waiting publications", async (t) => {
  const { server, client } = setUp(t, { outboxMessages: 2 });
  server.hello = () => {};
  const channel = client.channel("c");
  const waiting = [channel.publish(1), channel.publish(2)].map((promise) => promise.catch((error) => error.code));
  await assert.rejects(channel.publish(3), { code: "outbox_full" });
  client.close();
  assert.deepEqual(await Promise.all(waiting), ["closed", "closed"]);
});
