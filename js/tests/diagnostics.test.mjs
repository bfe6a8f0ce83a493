// What `diagnostics()` returns, and the client in the back/forward cache.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { connect } from "../dist/index.js";
import { FakeServer, until } from "./support/server.mjs";

const wasm = await readFile(new URL("../dist/seamline.wasm", import.meta.url));

/** A client in a page whose events the test makes. */
async function setUp(t) {
  const page = new EventTarget();
  globalThis.addEventListener = page.addEventListener.bind(page);
  t.after(() => delete globalThis.addEventListener);
  const server = FakeServer.install();
  const client = connect("ws://example.org/ws", { wasm, backoff: { initialMs: 1, maxMs: 5 }, logger: {} });
  t.after(() => client.close());
  await until(() => client.state.name === "open");
  const fire = (name, more) => page.dispatchEvent(Object.assign(new Event(name), more));
  return { server, client, fire };
}

const line = (what) =>
  "state" in what ? `${what.state.name} ${what.state.reason?.code ?? ""}`.trim() : `(${what.event})`;

test("diagnostics list states and page events, oldest first", async (t) => {
  const { server, client, fire } = await setUp(t);
  const before = Date.now();
  fire("offline");
  server.drop();
  fire("online");
  await until(() => client.state.name === "open");
  client.close();
  const past = client.diagnostics();
  assert.deepEqual(past.map(line), [
    "connecting",
    "open",
    "(offline)",
    "waiting connection_lost",
    "(online)",
    "connecting",
    "open",
    "closed closed_by_application",
  ]);
  assert.deepEqual(JSON.parse(JSON.stringify(past)), past);
  const times = past.map(({ at }) => at);
  assert.deepEqual(
    times,
    times.toSorted((a, b) => a - b),
  );
  assert.ok(times[2] >= before && times.at(-1) <= Date.now());
});

test("the last 200 entries are kept", async (t) => {
  const { client, fire } = await setUp(t);
  for (let i = 0; i < 300; i++) fire("offline");
  assert.equal(client.diagnostics().length, 200);
  const past = client.diagnostics();
  const copy = [...past];
  fire("offline");
  assert.deepEqual(past, copy);
});

test("a page restored from the back/forward cache resumes", async (t) => {
  const { server, client, fire } = await setUp(t);
  server.logs.set("c", ["a", "b"]);
  const seen = [];
  client.channel("c", { from: "start" }).on("message", ({ data }) => void seen.push(data));
  await until(() => seen.length === 2);
  fire("pagehide", { persisted: true });
  assert.deepEqual([client.state.name, client.state.reason.code, client.state.attempt], ["waiting", "page_hidden", 0]);
  assert.equal(server.sockets[0].closedWith, 1000);
  await until(() => server.ops("ack").length === 1);
  server.log("c").push("c");
  await new Promise((resolve) => setTimeout(resolve, 50));
  assert.equal(server.sockets.length, 1, "nothing runs there");
  fire("pageshow", { persisted: true });
  await until(() => seen.length === 3);
  assert.deepEqual(seen, ["a", "b", "c"]);
  assert.equal(server.ops("sub")[1].position.offset, 2);
  assert.deepEqual(client.diagnostics().map(line).slice(2), [
    "(pagehide)",
    "waiting page_hidden",
    "(pageshow)",
    "connecting",
    "open",
  ]);
});
