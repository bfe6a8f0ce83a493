// `seamline/history`, with the client and the test server: messages of the past, over the client's own connection.
import assert from "node:assert/strict";
import { test } from "node:test";
import { history } from "../dist/history.js";
import { connect, SeamlineError } from "../dist/index.js";
import { createTestServer } from "../dist/testing.js";
import { FakeServer, until } from "./support/server.mjs";
import { source } from "./support/source.mjs";

const QUICK = { backoff: { initialMs: 1, maxMs: 5 }, logger: {} };

function start(t, options, count = 0) {
  const server = createTestServer(options);
  const client = connect("ws://test/", { ...QUICK, WebSocket: server.WebSocket, token: options && "t" });
  t.after(() => client.close());
  for (let i = 1; i <= count; i++) server.publish("room", i);
  return { server, client };
}

const data = ({ messages }) => messages.map((message) => message.data);
const range = (from, to) => Array.from({ length: to - from + 1 }, (_, i) => from + i);

test("a chat scrolls up from where it began", async (t) => {
  const { server, client } = start(t, undefined, 60);
  const room = client.channel("room", { from: "tail" });
  const live = [];
  room.on("message", (message) => live.push(message.data));
  await room.ready();
  server.publish("room", "live");
  await until(() => live.length === 1);
  const page = await history(room, { limit: 25 });
  assert.deepEqual([data(page), page.isStart], [range(36, 60), false]);
  const older = await history(room, { before: page.messages[0].offset });
  assert.deepEqual([data(older), older.isStart], [range(1, 35), true]);
  assert.deepEqual(await history(room, { before: 1 }), { messages: [], isStart: true });
  const [{ id, ...first }] = older.messages;
  assert.deepEqual(first, { offset: 1, data: 1, replayed: true });
  assert.match(id, /^\d+-\d+$/);
  assert.deepEqual([live, room.position.offset], [["live"], 61]);
});

test("a handle that does not listen reads the newest messages", async (t) => {
  const { client } = start(t, undefined, 3);
  const room = client.channel("room");
  assert.deepEqual(await history(room, { limit: 2 }).then(data), [2, 3]);
  assert.deepEqual(await history(room).then(data), [1, 2, 3]);
});

test("a limit is reached over several pages", async (t) => {
  const { client } = start(t, undefined, 1200);
  const page = await history(client.channel("room"), { limit: 1100 });
  assert.deepEqual([data(page), page.isStart], [range(101, 1200), false]);
});

test("a request is sent again on the next connection", async (t) => {
  const { server, client } = start(t, undefined, 3);
  const room = client.channel("room");
  await client.ready();
  server.pause();
  const pages = [history(room), history(room, { before: 3 })];
  server.disconnect();
  server.resume();
  assert.deepEqual((await Promise.all(pages)).map(data), [
    [1, 2, 3],
    [1, 2],
  ]);
  assert.equal(client.stats().connects, 2);
});

test("a rejection names its reason", async (t) => {
  const { server, client } = start(t, { authenticate: () => ({ user: "ada", read: ["room", "new"] }) }, 3);
  const errors = [];
  client.on("error", (error) => errors.push(error));
  const rejects = (name, code, message) =>
    assert.rejects(history(client.channel(name)), (error) => {
      assert.ok(error instanceof SeamlineError);
      assert.deepEqual([error.code, error.message], [code, `cannot read history: ${message}`]);
      return true;
    });
  await rejects("secret", "forbidden", "the token does not grant read access to `secret`");
  await rejects("new", "unknown_channel", "there is no channel `new`; a publication or a subscription creates it");
  server.refuse("read", { code: "log_error", retryAfterMs: 1 });
  assert.deepEqual(await history(client.channel("room")).then(data), [1, 2, 3]);
  assert.deepEqual(errors, []);
});

test("closing and aborting end the wait", async (t) => {
  const { server, client } = start(t, undefined, 3);
  const room = client.channel("room");
  await client.ready();
  server.pause();
  const abort = new AbortController();
  const aborted = history(room, { signal: abort.signal });
  abort.abort();
  await assert.rejects(aborted, { code: "closed", message: "cannot read history: reading was aborted" });
  await assert.rejects(history(room, { signal: AbortSignal.abort() }), { code: "closed" });
  const waits = history(room);
  client.close();
  await assert.rejects(waits, { code: "closed", message: "cannot read history: the client is closed" });
  await assert.rejects(history(room), { code: "closed", message: "cannot read history: the client is closed" });
  room.close();
  await assert.rejects(history(room), { code: "closed", message: "cannot read history: the channel is closed" });
});

test("a log that was replaced has no history before the handle", async (t) => {
  const { server, client } = start(t, undefined, 3);
  const room = client.channel("room", { from: "tail" });
  const got = [];
  room.on("message", (message) => got.push(message.data));
  await room.ready();
  server.replaceLog("room");
  server.publish("room", "new");
  await until(() => got.length === 1);
  assert.deepEqual(await history(room), { messages: [], isStart: true });
  assert.deepEqual(await history(room, { before: 2 }).then(data), ["new"]);
});

test("a log that is replaced meanwhile is an error", async (t) => {
  const { server, client } = start(t, undefined, 3);
  const room = client.channel("room", { from: "tail" });
  room.on("message", () => {});
  await room.ready();
  server.pause();
  const page = history(room);
  server.replaceLog("room");
  server.publish("room", 1);
  server.resume();
  await assert.rejects(page, { code: "epoch_changed" });
});

test("a server without the feature is an error", async (t) => {
  FakeServer.install();
  const client = connect("ws://test/", QUICK);
  t.after(() => client.close());
  await assert.rejects(history(client.channel("room")), {
    code: "not_supported",
    message: "cannot read history: the server does not announce the feature `read`; update it",
  });
});

test("bad options are named", async (t) => {
  const { client } = start(t);
  const room = client.channel("room");
  for (const [options, message] of [
    [{ limit: 0 }, /option of history "limit": 0; pass a whole number from 1 to 10,000/],
    [{ limit: 10_001 }, /"limit": 10001/],
    [{ limit: 1e9 }, /"limit": 1000000000/],
    [{ limit: Number.NaN }, /"limit": NaN/],
    [{ limit: null }, /"limit": null/],
    [{ limit: "5" }, /"limit": "5"/],
    [{ limit: Symbol("five") }, /"limit": Symbol\(five\)/],
    [{ before: -1 }, /"before": -1; pass a whole number, 0 or more/],
    [{ before: 1.5 }, /"before": 1.5/],
    [{ signal: {} }, /"signal": {}; pass the signal of an AbortController/],
    [{ signal: null }, /"signal": null/],
    [{ after: 5 }, /unknown option of history: "after"; use one of limit, before, signal/],
    [JSON.parse('{"toString":1}'), /unknown option of history: "toString"/],
    [null, /options of history: null; pass an object/],
    [5, /options of history: 5/],
  ]) {
    await assert.rejects(history(room, options), { code: "bad_option", message });
  }
  for (const other of [undefined, null, 5, {}, "room", client]) {
    await assert.rejects(history(other), {
      code: "bad_option",
      message: /channel of history: .*pass what client\.channel/,
    });
  }
});

test("many reads at once are answered, also after a break", async (t) => {
  const { server, client } = start(t, undefined, 120);
  const room = client.channel("room");
  const reads = Array.from({ length: 100 }, (_, i) => history(room, { before: i + 2, limit: 10_000 }));
  server.disconnect();
  const pages = await Promise.all(reads);
  assert.deepEqual(
    pages.map(data),
    Array.from({ length: 100 }, (_, i) => range(1, i + 1)),
  );
});

test("messages that were not asked for are an error", async (t) => {
  const server = FakeServer.install();
  const client = connect("ws://test/", QUICK);
  t.after(() => client.close());
  const features = ["read"];
  server.hello = () =>
    server.send({ op: "welcome", session: "s", heartbeat_ms: 25_000, max_frame_bytes: 1000, features });
  server.read = ({ ch, ref }) =>
    server.send({ op: "page", ref, ch, epoch: "e", first: 1, head: 9, n: 9, ids: ["9-0"], data: [9] });
  await assert.rejects(history(client.channel("room"), { before: 9 }), {
    code: "bad_frame",
    message: /after `before`/,
  });
});

test("a server that wants a read again at once gets a pause", async (t) => {
  const { server, client } = start(t, undefined, 3);
  server.refuse("read", { code: "log_error", retryAfterMs: 0, times: 5 });
  const begun = performance.now();
  assert.deepEqual(await history(client.channel("room")).then(data), [1, 2, 3]);
  assert.ok(performance.now() - begun >= 490);
});

test("a page that cannot be read is malformed", async () => {
  const { answerOf } = await source("history/pages");
  const page = { op: "page", epoch: "e", first: 1, n: 2, ids: ["1-0"], data: [null] };
  assert.equal(answerOf(page).name, "page");
  for (const wrong of [{ epoch: 1 }, { first: -1 }, { n: "2" }, { ids: [1] }, { data: {} }, { data: [] }]) {
    assert.equal(answerOf({ ...page, ...wrong }).name, "malformed", JSON.stringify(wrong));
  }
});
