// `seamline/testing`, as the tests of an application use it: with the client, and with fake timers.
import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { mock, test } from "node:test";
import { connect } from "../dist/index.js";
import { createTestServer } from "../dist/testing.js";
import { until } from "./support/server.mjs";
import { source } from "./support/source.mjs";

const QUICK = { backoff: { initialMs: 1, maxMs: 5 }, logger: {} };

/** A server, and clients of it that end with the test. */
function start(t, serverOptions) {
  const server = createTestServer(serverOptions);
  const open = async (options = {}) => {
    const client = connect("ws://test/", { ...QUICK, WebSocket: server.WebSocket, ...options });
    t.after(() => client.close());
    await until(() => client.state.name === "open" || client.state.name === "closed");
    return client;
  };
  return { server, open };
}

/** A channel, and what its listeners are called with. */
function follow(client, name = "room", options = { from: "start" }) {
  const seen = [];
  const channel = client.channel(name, options);
  channel.on("message", ({ offset, data, replayed }) => void seen.push([offset, data, replayed ? "replayed" : "live"]));
  channel.on("gap", ({ from, to, reason }) => seen.push([reason, from, to]));
  channel.on("error", ({ code }) => seen.push(["error", code]));
  channel.on("cast", (data) => seen.push(["cast", data]));
  return Object.assign(channel, { seen });
}

test("messages are replayed, and then live", async (t) => {
  const { server, open } = start(t);
  server.publish("room", { text: "before" });
  const room = follow(await open());
  await server.settled();
  assert.deepEqual(server.publish("room", "after").offset, 2);
  await server.settled();
  assert.deepEqual(room.seen, [
    [1, { text: "before" }, "replayed"],
    [2, "after", "live"],
  ]);
});

test("publications are in the log", async (t) => {
  const { server, open } = start(t);
  const room = (await open()).channel("room");
  const { id, offset } = await room.publish({ text: "hi" }, { key: "k" });
  assert.deepEqual(await room.publish({ text: "hi" }, { key: "k" }), { id, offset });
  assert.deepEqual(server.publish("room", { text: "hi" }, { key: "k" }), { id, offset });
  const conflict = ({ code }) => code === "key_conflict";
  await assert.rejects(room.publish("other", { key: "k" }), conflict);
  assert.throws(() => server.publish("room", "other", { key: "k" }), conflict);
  assert.deepEqual(server.messages("room"), [{ id, offset: 1, key: "k", data: { text: "hi" } }]);
});

test("a disconnected client misses nothing", async (t) => {
  const { server, open } = start(t);
  const client = await open();
  const room = follow(client);
  for (let i = 1; i <= 5; i++) {
    server.publish("room", `in transit ${i}`);
    server.disconnect();
    server.publish("room", `away ${i}`);
    await until(() => room.seen.length === 2 * i);
  }
  assert.deepEqual(
    room.seen.map(([offset]) => offset),
    [1, 2, 3, 4, 5, 6, 7, 8, 9, 10],
  );
  assert.equal(client.stats().connects, 6);
});

test("an unanswered publication is stored once", async (t) => {
  const { server, open } = start(t);
  const client = await open();
  const published = client.channel("room").publish("once");
  server.disconnect();
  assert.equal((await published).offset, 1);
  assert.equal(server.messages("room").length, 1);
});

test("clients wait while the server is offline", async (t) => {
  const { server, open } = start(t);
  const client = await open();
  const room = follow(client);
  server.goOffline();
  await until(() => client.state.name === "waiting" && client.state.attempt >= 2);
  assert.deepEqual(client.state.reason.message, "the test server is offline");
  const published = room.publish("pending");
  server.publish("room", "from elsewhere");
  await server.settled();
  assert.deepEqual(room.seen, []);
  server.goOnline();
  assert.equal((await published).offset, 2);
  await until(() => room.seen.length === 2);
});

test("every reason of a gap can be caused", async (t) => {
  const { server, open } = start(t);
  const client = await open();
  const room = follow(client);
  for (let i = 1; i <= 4; i++) server.publish("room", i);
  await server.settled();
  server.goOffline();
  server.publish("room", 5);
  server.publish("room", 6);
  server.trim("room", 5);
  server.goOnline();
  await until(() => room.seen.length === 6);
  server.rewind("room", 5);
  await server.settled();
  server.replaceLog("room");
  server.publish("room", "new");
  await server.settled();
  assert.deepEqual(room.seen.slice(4), [
    ["trimmed", 5, 5],
    [6, 6, "replayed"],
    ["rewound", 6, 6],
    ["epoch_changed", 6, undefined],
    [1, "new", "live"],
  ]);
});

test("a client continues at its stored position", async (t) => {
  const { server, open } = start(t);
  const first = await open({ clientId: "tab" });
  const room = follow(first, "room", {});
  await server.settled();
  server.publish("room", 1);
  await server.settled();
  first.close();
  await server.settled();
  assert.equal(server.position("room", "tab").offset, 1);
  assert.equal(server.position("room", "another"), undefined);
  server.publish("room", 2);
  const again = follow(await open({ clientId: "tab" }), "room", {});
  await server.settled();
  assert.deepEqual([room.seen, again.seen], [[[1, 1, "live"]], [[2, 2, "replayed"]]]);
});

test("a stored position in a replaced log is a gap", async (t) => {
  const { server, open } = start(t);
  const first = await open({ clientId: "tab" });
  follow(first);
  server.publish("room", 1);
  await server.settled();
  first.close();
  await server.settled();
  server.replaceLog("room");
  const again = follow(await open({ clientId: "tab" }), "room", {});
  await server.settled();
  assert.deepEqual(again.seen, [["epoch_changed", 2, undefined]]);
});

test("a long replay waits for credit", async (t) => {
  const { server, open } = start(t);
  for (let i = 1; i <= 2500; i++) server.publish("room", i);
  const room = follow(await open({ replayCredit: 100 }));
  await until(() => room.seen.length === 2500);
  assert.deepEqual(
    room.seen.map(([offset]) => offset),
    Array.from({ length: 2500 }, (_, i) => i + 1),
  );
});

test("casts reach the other clients", async (t) => {
  const { server, open } = start(t);
  const [ada, bob] = [follow(await open()), follow(await open())];
  await server.settled();
  ada.cast({ typing: true });
  server.cast("room", "from the server");
  await server.settled();
  assert.deepEqual(ada.seen, [["cast", "from the server"]]);
  assert.deepEqual(bob.seen, [
    ["cast", "from the server"],
    ["cast", { typing: true }],
  ]);
});

test("a rejected token ends the client", async (t) => {
  const { open } = start(t, { authenticate: (token) => token === "good" && "ada" });
  assert.equal((await open({ token: "good" })).state.name, "open");
  assert.equal((await open({ token: "bad" })).state.reason.code, "unauthorized");
  assert.equal((await open()).state.reason.code, "unauthorized");
});

test("an expired token is fetched again", async (t) => {
  const { server, open } = start(t, { authenticate: (token) => token !== undefined && "ada" });
  const requests = [];
  const client = await open({ token: ({ refresh }) => `token ${requests.push(refresh)}` });
  server.disconnect({ code: 4401, reason: "token expired" });
  await until(() => client.stats().connects === 2 && client.state.name === "open");
  assert.deepEqual(requests, [false, true]);
});

test("a user may do what is granted", async (t) => {
  const { server, open } = start(t, { authenticate: () => ({ user: "ada", read: ["room-*"], write: [] }) });
  const client = await open();
  const [granted, refused] = [follow(client, "room-1"), follow(client, "other")];
  server.publish("room-1", 1);
  await server.settled();
  assert.deepEqual(granted.seen, [[1, 1, "replayed"]]);
  assert.deepEqual(refused.seen, [["error", "forbidden"]]);
  await assert.rejects(granted.publish(1), { code: "forbidden" });
  assert.deepEqual(server.clients, [{ clientId: server.clients[0].clientId, user: "ada", channels: ["room-1"] }]);
});

test("a rate limit delays publications in order", async (t) => {
  const { server, open } = start(t);
  const room = (await open()).channel("room");
  server.refuse("publish", { code: "too_fast", retryAfterMs: 100 });
  await Promise.all([1, 2, 3].map((data) => room.publish(data)));
  assert.deepEqual(
    server.messages("room").map(({ data }) => data),
    [1, 2, 3],
  );
});

test("a refusal applies to its channel until it ends", async (t) => {
  const { server, open } = start(t);
  const client = await open();
  const allow = server.refuse("publish", {
    code: "quota",
    message: "no",
    channel: "a",
    times: Number.POSITIVE_INFINITY,
  });
  for (let i = 0; i < 2; i++)
    await assert.rejects(client.channel("a").publish(1), { code: "quota", message: /failed: no$/ });
  await client.channel("b").publish(1);
  allow();
  await client.channel("a").publish(1);
});

test("a refused connection is retried later", async (t) => {
  const { server, open } = start(t);
  server.refuse("connect", { code: "too_many_connections", retryAfterMs: 100 });
  const client = await open();
  assert.equal(client.stats().connects, 1);
  const closes = client.diagnostics().flatMap(({ state }) => state?.reason?.closeCode ?? []);
  assert.deepEqual(closes, [4429]);
});

test("an error with a retry interrupts a subscription", async (t) => {
  const { server, open } = start(t);
  const room = follow(await open());
  await server.settled();
  server.sendError({ code: "log_error", channel: "room", retryAfterMs: 100 });
  server.publish("room", "meanwhile");
  await server.settled();
  assert.deepEqual(room.seen, [["error", "log_error"]]);
  await until(() => room.seen.length === 2);
  assert.deepEqual(room.seen[1], [1, "meanwhile", "replayed"]);
});

test("a refused subscription is an error", async (t) => {
  const { server, open } = start(t);
  const client = await open();
  server.refuse("subscribe", { code: "too_many_channels" });
  const room = follow(client);
  await server.settled();
  assert.deepEqual(room.seen, [["error", "too_many_channels"]]);
});

test("a drain moves clients to a new connection", async (t) => {
  const { server, open } = start(t);
  const client = await open();
  server.drain();
  await until(() => client.stats().connects === 2);
  assert.ok(client.diagnostics().some(({ state }) => state?.reason?.code === "drained"));
});

test("nothing moves while the server is paused", async (t) => {
  const { server, open } = start(t);
  const room = follow(await open());
  await server.settled();
  server.pause();
  let stored = false;
  const published = room.publish("pending").then(() => (stored = true));
  server.publish("room", "waits too");
  await server.settled();
  assert.deepEqual([room.seen, stored], [[], false]);
  server.pause();
  server.resume();
  await published;
  await server.settled();
  assert.equal(room.seen.length, 2);
});

/** Fake timers, as an application's tests install them: before the client connects. */
async function withFakeTimers(t, serverOptions, options) {
  const { server } = start(t, serverOptions);
  mock.timers.enable({ apis: ["setTimeout", "Date"], now: 1_800_000_000_000 });
  // The client's clock reads this, too. Vitest and Jest replace it; Node's test runner does not.
  mock.method(performance, "now", () => Date.now());
  const client = connect("ws://test/", { ...options, logger: {}, WebSocket: server.WebSocket });
  t.after(() => (client.close(), mock.timers.reset(), mock.restoreAll()));
  while (client.state.name !== "open") await new Promise((resolve) => setImmediate(resolve));
  return { server, client };
}

test("fake timers decide when clients reconnect", async (t) => {
  const { server, client } = await withFakeTimers(t, {}, { backoff: { initialMs: 1000, maxMs: 20_000 } });
  const room = follow(client);
  await server.settled();
  server.disconnect();
  server.publish("room", "away");
  await server.settled();
  assert.deepEqual([client.state.name, room.seen], ["waiting", []]);
  mock.timers.tick(1000);
  await server.settled();
  assert.deepEqual([client.state.name, room.seen], ["open", [[1, "away", "replayed"]]]);
  assert.equal(server.messages("room")[0].id, "1800000000000-0");
});

test("fake timers end a silent connection", async (t) => {
  const { server, client } = await withFakeTimers(t, { heartbeatMs: 10_000 });
  server.pause();
  mock.timers.tick(10_000);
  mock.timers.tick(4999);
  assert.equal(client.state.name, "open");
  mock.timers.tick(1);
  assert.deepEqual([client.state.name, client.state.reason.code], ["waiting", "heartbeat_timeout"]);
  server.resume();
  mock.timers.tick(500);
  await server.settled();
  assert.equal(client.state.name, "open");
});

test("endless traffic does not block timers", async (t) => {
  const { server, open } = start(t);
  const room = (await open()).channel("room");
  let ended = false;
  setTimeout(() => (ended = true), 20);
  let count = 0;
  while (!ended) await room.publish(++count);
  assert.equal(server.messages("room").length, count);
});

test("the CommonJS build is the same server", async (t) => {
  const { createTestServer } = createRequire(import.meta.url)("../dist/testing.cjs");
  const server = createTestServer();
  const client = connect("ws://test/", { ...QUICK, WebSocket: server.WebSocket });
  t.after(() => client.close());
  assert.equal((await client.channel("room").publish("hi")).offset, 1);
  assert.equal(server.messages("room")[0].data, "hi");
});

test("a bad argument is named", () => {
  const server = createTestServer();
  const cases = [
    [() => server.publish("", 1), "bad_channel", /^invalid channel name: ""; pass/],
    [() => server.publish("room", undefined), "bad_data", /^invalid payload: undefined; pass/],
    [() => server.publish("room", 1, { key: "" }), "bad_key", /^invalid key: ""; pass/],
    [() => server.trim("room", 1), "bad_option", /^invalid offset "upTo": 1; pass a whole number from 0 to 0/],
    [() => server.rewind("room", -1), "bad_option", /^invalid offset "head": -1; pass/],
    [
      () => createTestServer({ authentcate: () => "ada" }),
      "bad_option",
      /^unknown option of createTestServer: "authentcate"; use/,
    ],
    [
      () => createTestServer({ heartbeatMs: 0 }),
      "bad_option",
      /"heartbeatMs": 0; pass a whole number of milliseconds, 1/,
    ],
    [
      () => server.refuse("unsubscribe", { code: "forbidden" }),
      "bad_option",
      /^unknown request: "unsubscribe"; use one of/,
    ],
    [
      () => server.refuse("publish", {}),
      "bad_option",
      /^invalid option of refuse "code": undefined; pass a non-empty string/,
    ],
    [() => server.refuse("publish", { code: "x", times: 0 }), "bad_option", /"times": 0; pass a number, 1 or more/],
    [() => server.sendError({ code: "x", times: 2 }), "bad_option", /^unknown option of sendError: "times"; use/],
    [() => server.disconnect({ code: 1 }), "bad_option", /"code": 1; pass a close code, from 1000 to 4999/],
    [() => server.drain(-1), "bad_option", /"reconnectInMs": -1; pass a whole number of milliseconds/],
    [() => new server.WebSocket("ws://test/"), undefined, /speaks only seamline\.v1/],
  ];
  for (const [call, code, message] of cases) {
    assert.throws(call, (error) => (assert.match(error.message, message), error.code === code));
  }
});

test("what `authenticate` returns is checked", async () => {
  const { authenticate } = await source("testing/users");
  assert.deepEqual(
    authenticate("t", (token) => `user of ${token}`),
    { user: "user of t", read: undefined, write: undefined },
  );
  const claims = { user: "ada", read: ["room"], code: "of the application" };
  assert.deepEqual(
    authenticate("t", () => claims),
    { user: "ada", read: ["room"], write: undefined },
  );
  for (const rejected of [false, null, undefined]) {
    assert.equal(authenticate("t", () => rejected).message, "the token is invalid");
    assert.equal(authenticate(undefined, () => rejected).message, "the token is missing");
  }
  for (const bad of [true, "", {}, { user: "" }, { user: "ada", read: "room" }]) {
    assert.throws(
      () => authenticate("t", () => bad),
      /^SeamlineError: invalid result of authenticate: .*; return a name/,
    );
  }
});
