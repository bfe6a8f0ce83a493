// `seamline/tabs` with real clients. Each client is a tab of its own, in a browser that this process stands in for.
import assert from "node:assert/strict";
import { test } from "node:test";
import { connect } from "../dist/index.js";
import { tabs } from "../dist/tabs.js";
import { createTestServer } from "../dist/testing.js";
import { installTabs } from "./support/locks.mjs";
import { until } from "./support/server.mjs";

let names = 0;

/** A group of tabs, and what makes another one. */
function setUp(t, options = {}) {
  t.after(installTabs());
  const server = createTestServer(options);
  const name = `group ${++names}`;
  const clients = [];
  const join = (more = {}) => {
    const { url = "ws://test/", ...others } = more;
    const client = connect(url, { shared: tabs({ name }), WebSocket: server.WebSocket, logger: {}, ...others });
    clients.push(client);
    return client;
  };
  t.after(() => Promise.all(clients.map((client) => client.close())));
  return { server, join };
}

function follow(client, from = "start") {
  const seen = [];
  client.channel("room", { from }).on("message", ({ data }) => void seen.push(data));
  return seen;
}

test("clients share a connection, each with its position", async (t) => {
  const { server, join } = setUp(t);
  server.publish("room", 1);
  const [first, second] = [join(), join()];
  await Promise.all([first.ready(), second.ready()]);
  assert.equal(server.clients.length, 1);
  assert.deepEqual([first.stats().shared, second.stats().shared], ["leader", "follower"]);
  const [a, b] = [follow(first), follow(second, "tail")];
  await until(() => a.length === 1);
  await until(async () => {
    await server.settled();
    return server.clients[0].channels.length === 1;
  });
  server.publish("room", 2);
  await until(() => a.length === 2 && b.length === 1);
  const c = follow(join());
  await until(() => c.length === 2);
  assert.deepEqual([a, b, c], [[1, 2], [2], [1, 2]]);
  assert.equal(server.clients.length, 1);
});

test("publications and casts reach every client", async (t) => {
  const { join } = setUp(t);
  const [first, second] = [join(), join()];
  const [a, b] = [follow(first), follow(second)];
  const casts = [];
  const rooms = [first.channel("room"), second.channel("room")];
  rooms[0].on("cast", (cast) => void casts.push(["first", cast]));
  rooms[1].on("cast", (cast) => void casts.push(["second", cast]));
  await Promise.all([first.ready(), second.ready()]);
  await Promise.all([rooms[0].publish("x"), rooms[1].publish("y")]);
  await until(() => a.length === 2 && b.length === 2);
  assert.deepEqual(a, b);
  rooms[0].cast("typing");
  await until(() => casts.length > 0);
  assert.deepEqual(casts, [["second", "typing"]]);
});

test("the others go on when the first closes", async (t) => {
  const { server, join } = setUp(t);
  const [first, second, third] = [join(), join(), join()];
  const [b, c] = [follow(second), follow(third)];
  await Promise.all([first, second, third].map((client) => client.ready()));
  await new Promise((resolve) => setTimeout(resolve, 1000)); // clients keep this distance between attempts
  await first.close();
  server.publish("room", 1);
  await until(() => b.length === 1 && c.length === 1, { withinMs: 3000 });
  assert.equal(first.stats().shared, "none");
  assert.deepEqual([second.stats().shared, third.stats().shared].sort(), ["follower", "leader"]);
  assert.equal(server.clients.length, 1);
});

test("a client of another URL ends with an error", async (t) => {
  const { join } = setUp(t);
  await join().ready();
  const other = join({ url: "ws://other/" });
  await assert.rejects(other.ready(), ({ code, cause }) => {
    assert.deepEqual([code, cause.code, cause.closeCode], ["closed", "protocol_error", 4400]);
    assert.match(cause.message, /^cannot share the connection: the URL of this tab is ws:\/\/other\/, /);
    return true;
  });
});

test("a client of another user ends with an error", async (t) => {
  const authenticate = (token) => ({ user: token });
  const { join } = setUp(t, { authenticate });
  await join({ token: "secret-1" }).ready();
  await assert.rejects(join({ token: "secret-2" }).ready(), ({ cause }) => {
    assert.equal(cause.code, "forbidden");
    assert.doesNotMatch(cause.message, /secret/, "a token must not appear in an error");
    return true;
  });
});

test("a rejected token is asked of one client", async (t) => {
  let valid = "1";
  const { server, join } = setUp(t, { authenticate: (token) => token === tokenOf(valid) && { user: "ada" } });
  const calls = [0, 0, 0];
  const token = (i) => () => {
    calls[i]++;
    return tokenOf(valid);
  };
  const clients = calls.map((_, i) => join({ token: token(i) }));
  await Promise.all(clients.map((client) => client.ready()));
  await new Promise((resolve) => setTimeout(resolve, 1000));
  valid = "2";
  server.disconnect({ code: 4401, reason: "the token has expired" });
  await until(() => clients.every(({ state }) => state.name !== "open"));
  await Promise.all(clients.map((client) => client.ready()));
  assert.equal(calls[0] + calls[1] + calls[2], 4, `each once, and one again: ${calls}`);
});

function tokenOf(jti) {
  return `e30.${Buffer.from(JSON.stringify({ sub: "ada", jti })).toString("base64url")}.x`;
}

test("without locks, each client has a connection", async (t) => {
  const server = createTestServer();
  const clients = [1, 2].map(() => connect("ws://test/", { shared: tabs(), WebSocket: server.WebSocket }));
  t.after(() => Promise.all(clients.map((client) => client.close())));
  await Promise.all(clients.map((client) => client.ready()));
  assert.deepEqual(
    clients.map((client) => client.stats().shared),
    ["none", "none"],
  );
  assert.equal(server.clients.length, 2);
});

test("a page that may not lock has its own connection", async (t) => {
  const { server, join } = setUp(t);
  navigator.locks.request = () => Promise.reject(new DOMException("sandboxed", "SecurityError"));
  const [first, second] = [join(), join()];
  await Promise.all([first.ready(), second.ready()]);
  assert.deepEqual([first.stats().shared, second.stats().shared], ["none", "none"]);
  assert.equal(server.clients.length, 2);
});

test("a page that may not open channels has its own connection", async (t) => {
  const { server, join } = setUp(t);
  const { BroadcastChannel } = globalThis;
  t.after(() => Object.assign(globalThis, { BroadcastChannel }));
  globalThis.BroadcastChannel = class {
    constructor() {
      throw new DOMException("cookies are blocked", "SecurityError");
    }
  };
  const client = join();
  await client.ready();
  assert.deepEqual([client.stats().shared, server.clients.length], ["none", 1]);
});

/** What another page may post where tabs post their messages. */
const FOREIGN = [
  ...[
    undefined,
    null,
    5,
    "who",
    true,
    [],
    {},
    ["x"],
    ["x", null],
    ["x", 5],
    [5, { type: "who" }],
    [{}, { type: "who" }],
  ],
  ...["", "other", "toString", "__proto__", 5, null].map((type) => ["x", { type }]),
  ...[undefined, null, "1", -1, 0.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53].flatMap((term) => [
    ["x", { type: "hub", term, connected: true }],
    ["x", { type: "gone", term }],
    ["x", { type: "ping", term }],
    ["x", { type: "toHub", term, message: { type: "close", socket: "x" } }],
  ]),
  ["x", { type: "hub", term: 1, connected: "yes" }],
  ["x", { type: "hub", term: Number.MAX_SAFE_INTEGER, connected: true }],
  ["x", { type: "claim" }],
];

/** The same, for the hub that has this term and these sockets. */
const foreignTo = (term, socket) =>
  [
    ...[
      undefined,
      null,
      5,
      {},
      { type: "other", socket },
      { type: "open", socket },
      { type: "open", socket: 5, url: "" },
    ],
    ...[undefined, null, 5, {}].map((text) => ({ type: "send", socket, text })),
    ...["", "{", "null", "[]", "5", '{"op":5}', "{}"].map((text) => ({ type: "send", socket, text })),
    ...[undefined, -1, Number.NaN, Number.NEGATIVE_INFINITY, "1"].map((length) => ({ type: "got", socket, length })),
  ].flatMap((message) => [
    ["x", { type: "toHub", term, message }],
    ["x", { type: "toTab", term, message }],
  ]);

test("what is no message of a tab changes nothing", async (t) => {
  const { server, join } = setUp(t);
  const seen = [];
  for (let i = 0; i < 2; i++) seen.push(follow(join()));
  const group = `seamline:tabs:1:group ${names}`;
  const [all, own] = [group, `${group}/x`].map((name) => new BroadcastChannel(name));
  t.after(() => [all, own].map((channel) => channel.close()));
  const answer = new Promise((resolve) => (own.onmessage = ({ data }) => resolve(data)));
  server.publish("room", 1);
  await until(() => seen.every(({ length }) => length === 1));
  all.postMessage(["x", { type: "who" }]);
  const [leader, { term }] = await answer;
  const inbox = new BroadcastChannel(`${group}/${leader}`);
  t.after(() => inbox.close());
  for (const message of FOREIGN) for (const channel of [all, inbox]) channel.postMessage(message);
  for (const message of foreignTo(term, `${leader}/1`)) inbox.postMessage(message);
  server.publish("room", 2);
  await until(() => seen.every(({ length }) => length === 2));
  assert.deepEqual(seen, [
    [1, 2],
    [1, 2],
  ]);
  assert.equal(server.clients.length, 1);
});

test("without the option, the stats have no `shared`", async (t) => {
  const { join } = setUp(t);
  const client = join({ shared: undefined });
  await client.ready();
  assert.equal("shared" in client.stats(), false);
});

for (const [what, call, message] of [
  ["an option that is unknown", () => tabs({ nmae: "x" }), 'unknown option of tabs: "nmae"; use one of name'],
  ["a name that is no text", () => tabs({ name: 7 }), /^invalid option of tabs "name": 7; pass a well-formed string/],
  ["no object", () => tabs(null), "invalid options of tabs: null; pass an object"],
  ["a client id", () => connect("ws://test/", { shared: tabs(), clientId: "x" }), /^invalid option "clientId": "x"; /],
  [
    "the plain dialect",
    () => connect("ws://test/", { shared: tabs(), dialect: "plain" }),
    /"dialect": "plain"; .*`shared`/,
  ],
  [
    "an object of another kind",
    () => connect("ws://test/", { shared: {} }),
    'invalid option "shared": {}; pass tabs()',
  ],
  ["true", () => connect("ws://test/", { shared: true }), 'invalid option "shared": true; pass tabs()'],
]) {
  test(`${what} is an error`, () => assert.throws(call, { code: "bad_option", message }));
}
