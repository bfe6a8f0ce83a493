// A closed client leaves no memory and no timer behind. Each test keeps what an application would keep: a promise that
// never settles, the server's end of the socket.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { promisify } from "node:util";
import { left } from "./support/memory.mjs";
import { FakeServer, until } from "./support/server.mjs";

const wasm = await readFile(new URL("../dist/seamline.wasm", import.meta.url));
const CLIENTS = 20;

/** A fresh copy of the package: the wasm is loaded once per copy. */
let copies = 0;
const fresh = () => import(`../dist/index.js?lifetime${++copies}`);

/** In each state: the options that lead there, what the server does, and how to tell that the client is there. */
const STATES = {
  loading: { options: () => ({ wasm: new Promise(() => {}) }), reached: () => true },
  "waiting to load again": {
    options: () => ({ wasm: "http://127.0.0.1:1/none" }),
    reached: (client) => client.state.reason?.code === "wasm_failed",
  },
  "awaiting a token": {
    options: (kept) => ({ token: () => new Promise((resolve) => kept.push(resolve)) }),
    reached: (_, kept) => kept.length > 0,
  },
  connecting: { server: { hello() {} }, reached: (_, __, server) => server.received.length > 0 },
  open: { reached: (client) => client.state.name === "open" },
  waiting: {
    options: () => ({ backoff: { initialMs: 60_000, maxMs: 60_000 } }),
    server: {
      hello() {
        this.drop();
      },
    },
    reached: (client) => client.state.name === "waiting",
  },
};

/** Out here, because it is kept: a function in there would keep all of that scope. */
const UNANSWERED = { pub() {} };

/** Makes a client in a state, with a publication and an iterator that wait, and closes it. */
async function openAndClose(connect, { options = () => ({}), server: methods = {}, reached }, kept) {
  const server = Object.assign(FakeServer.install(), UNANSWERED, methods);
  kept.push(server);
  const client = connect("ws://example.org/ws", { wasm, logger: {}, ...options(kept) });
  const large = { client, memory: new Uint8Array(1000) };
  client.on("state", () => large);
  const channel = client.channel("c", { from: "start" });
  channel.on("message", () => large);
  const next = client.channel("d")[Symbol.asyncIterator]().next();
  const published = channel.publish(1).catch(({ code }) => code);
  const waitsFor = kept.length;
  await until(() =>
    reached(
      client,
      kept.slice(waitsFor - 1).filter((one) => one !== server),
      server,
    ),
  );
  client.close();
  assert.deepEqual([await published, (await next).done, client.state.name], ["closed", true, "closed"]);
  return new WeakRef(large);
}

for (const [state, what] of Object.entries(STATES)) {
  test(`clients closed while ${state} are garbage-collected`, async () => {
    const { connect } = await fresh();
    const kept = [];
    const refs = [];
    for (let i = 0; i < CLIENTS; i++) refs.push(await openAndClose(connect, what, kept));
    assert.equal(await left(refs), 0);
    assert.ok(kept.length >= CLIENTS);
  });
}

/** Uses an open client, and opens it again. */
async function useAndReopen(client) {
  const large = { memory: new Uint8Array(1000) };
  const channel = client.channel("c", { from: "start" });
  channel.on("message", () => large);
  await channel.ready();
  await client.close();
  client.connect();
  return new WeakRef(large);
}

test("what a client had before it was opened again is garbage-collected", async () => {
  FakeServer.install();
  const { connect } = await fresh();
  const client = connect("ws://example.org/ws", { wasm, logger: {} });
  const refs = [];
  for (let i = 0; i < CLIENTS; i++) refs.push(await useAndReopen(client));
  await client.ready();
  assert.equal(await left(refs), 0);
  client.close();
});

const FORBIDS = {
  hello() {
    this.drop(4403, "no");
  },
};

test("clients ended by the server are garbage-collected", async () => {
  const { connect } = await fresh();
  const refs = [];
  for (let i = 0; i < CLIENTS; i++) {
    const server = Object.assign(FakeServer.install(), FORBIDS);
    const client = connect("ws://example.org/ws", { wasm, logger: {} });
    await until(() => client.state.name === "closed");
    refs.push(new WeakRef(client));
    assert.equal(server.sockets.length, 1);
  }
  assert.equal(await left(refs), 0);
});

test("a closed client keeps its final counts", async () => {
  const server = FakeServer.install();
  server.logs.set("c", ["a", "b"]);
  const { connect } = await fresh();
  const client = connect("ws://example.org/ws", { wasm, logger: {} });
  client.channel("c", { from: "start" }).on("message", () => client.close());
  await until(() => client.state.name === "closed");
  await new Promise((resolve) => setImmediate(resolve));
  const { connects, delivered } = client.stats();
  assert.deepEqual([connects, delivered], [1, 2]);
  client.close();
});

test("closing cancels the retry of a failed wasm fetch", async () => {
  const script = `
    import { connect } from ${JSON.stringify(new URL("../dist/index.js", import.meta.url))};
    globalThis.WebSocket ??= class {};
    const client = connect("ws://127.0.0.1:1/ws", { wasm: "http://127.0.0.1:1/none", logger: {} });
    client.on("state", ({ name }) => {
      if (name !== "waiting") return;
      client.close();
      console.log(process.getActiveResourcesInfo().filter((name) => name === "Timeout").length);
    });`;
  const { stdout } = await promisify(execFile)(process.execPath, ["--input-type=module", "--eval", script]);
  assert.equal(stdout, "0\n");
});
