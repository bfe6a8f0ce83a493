// Application code may call the client back wherever the client runs it: in its WebSocket class, token function, logger,
// timers and listeners. Nothing in the wasm is borrowed then.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { mock, test } from "node:test";
import { connect } from "../dist/index.js";
import { FakeServer, until } from "./support/server.mjs";

const wasm = await readFile(new URL("../dist/seamline.wasm", import.meta.url));

/** So many times a hook calls back; each call sends something, which runs hooks again. */
const CALLS_MAX = 30;

/** Uses everything that a client has. */
function useClient(client) {
  client.stats();
  client.diagnostics();
  const channel = client.channel("c");
  channel.cast("hi");
  channel.publish("hi").catch(() => {});
  const other = client.channel("other");
  other.on("cast", () => {});
  other.close();
}

/** A WebSocket class that calls `hook` with the name of the place. */
function hooked(Base, hook) {
  return class extends Base {
    #onclose;
    constructor(...args) {
      super(...args);
      delete this.bufferedAmount; // the getter below counts
      hook("constructor");
    }
    send(text) {
      hook("send");
      super.send(text);
      hook("send");
    }
    close(code) {
      hook("close");
      super.close(code);
      this.#onclose?.({ code, reason: "" });
      hook("close");
    }
    get bufferedAmount() {
      hook("bufferedAmount");
      return 0;
    }
    set bufferedAmount(_) {}
    get onclose() {
      return this.#onclose;
    }
    set onclose(handler) {
      this.#onclose = handler;
      hook("onclose");
    }
  };
}

for (const place of [
  "constructor",
  "send",
  "close",
  "bufferedAmount",
  "onclose",
  "token",
  "logger",
  "timer",
  "listener",
]) {
  test(`a client can be used inside its ${place}`, async (t) => {
    const server = FakeServer.install();
    let client;
    let calls = 0;
    const hook = (at) => {
      if (at === place && client && client.state.name !== "closed" && calls++ < CALLS_MAX) useClient(client);
    };
    const { setTimeout } = globalThis;
    mock.method(globalThis, "setTimeout", (...args) => {
      const timer = setTimeout(...args);
      hook("timer");
      return timer;
    });
    t.after(() => mock.restoreAll());
    client = connect("ws://example.org/ws", {
      wasm,
      WebSocket: hooked(globalThis.WebSocket, hook),
      backoff: { initialMs: 1, maxMs: 5 },
      token: () => hook("token"),
      logger: { debug: () => hook("logger"), warn: () => hook("logger"), error: () => hook("logger") },
    });
    client.on("state", () => hook("listener"));
    await until(() => client.state.name === "open");
    server.send("no frame");
    await until(() => client.stats().connects === 2);
    assert.equal((await client.channel("d").publish(1)).offset, 1);
    client.channel("d").cast("last");
    await client.close();
    assert.ok(calls > 0, "it was called");
  });
}

test("a buffered amount that sends is asked once", async () => {
  FakeServer.install();
  let client;
  let depth = 0;
  let deepest = 0;
  const Sending = class extends globalThis.WebSocket {
    constructor(...args) {
      super(...args);
      delete this.bufferedAmount; // the getter below counts
    }
    get bufferedAmount() {
      deepest = Math.max(deepest, ++depth);
      client.channel("c").cast("hi");
      depth--;
      return 0;
    }
    set bufferedAmount(_) {}
  };
  client = connect("ws://example.org/ws", { wasm, WebSocket: Sending, logger: {} });
  await until(() => client.state.name === "open");
  client.channel("c").cast("hi");
  assert.equal(deepest, 1);
  await client.close();
});

for (const wasmIs of ["loaded", "not loaded"]) {
  test(`a payload that closes the client is rejected, with the wasm ${wasmIs}`, async () => {
    FakeServer.install();
    const client = connect("ws://example.org/ws", { wasm, logger: {} });
    if (wasmIs === "loaded") await until(() => client.state.name === "open");
    const toJSON = () => {
      client.close();
      return "bye";
    };
    await assert.rejects(client.channel("c").publish({ toJSON }), { code: "closed" });
  });
}

/** A client whose socket calls `hook` with each frame that it sends, in the middle of the call. */
async function sending(hook) {
  const server = FakeServer.install();
  const Sending = class extends globalThis.WebSocket {
    send(text) {
      hook(JSON.parse(text));
      super.send(text);
    }
  };
  const client = connect("ws://example.org/ws", { wasm, WebSocket: Sending, logger: {} });
  await until(() => client.state.name === "open");
  return { server, client };
}

test("a publication fails if its socket's send() closes the client", async () => {
  const { client } = await sending(({ op }) => op === "pub" && client.close());
  await assert.rejects(client.channel("c").publish("bye"), { code: "closed" });
});

test("a handle that its socket's send() closes is unsubscribed", async (t) => {
  let handle;
  const { server, client } = await sending(({ op }) => op === "sub" && handle.close());
  t.after(() => client.close());
  handle = client.channel("c");
  handle.on("message", () => {});
  await until(() => server.ops("unsub").length === 1);
  const seen = [];
  const next = client.channel("c", { from: "start" });
  handle = client.channel("other");
  next.on("message", ({ data }) => seen.push(data));
  await client.channel("c").publish("hi");
  await until(() => seen.length === 1);
});

test("a follower that its socket's send() closes takes no messages along", async (t) => {
  let follower;
  const { server, client } = await sending(({ op }) => op === "sub" && follower?.close());
  t.after(() => client.close());
  server.log("c").push("one");
  client.channel("c").on("cast", () => {});
  await until(() => server.ops("sub").length === 1);
  follower = client.channel("c", { from: "start" });
  follower.on("message", () => {});
  await until(() => server.ops("sub").length > 1);
  await client.channel("c").publish("two"); // what was sent before has arrived
  const seen = [];
  client.channel("c", { from: "start" }).on("message", ({ data }) => seen.push(data));
  await until(() => seen.length >= 2, { withinMs: 5000 });
  assert.deepEqual(seen, ["one", "two"]);
});
