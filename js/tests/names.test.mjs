// URLs and channel names: which are refused at once, and how a URL is resolved.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { connect } from "../dist/index.js";
import { FakeServer, until } from "./support/server.mjs";

const wasm = await readFile(new URL("../dist/seamline.wasm", import.meta.url));

/** The URL that the WebSocket is opened with. */
async function opened(url) {
  const server = FakeServer.install();
  const client = connect(url, { wasm });
  await until(() => server.sockets.length > 0);
  client.close();
  return server.sockets[0].url;
}

test("http means ws, and https means wss", async () => {
  assert.equal(await opened("http://example.org/ws"), "ws://example.org/ws");
  assert.equal(await opened("https://example.org:8443/ws?a=1"), "wss://example.org:8443/ws?a=1");
  assert.equal(await opened(new URL("wss://example.org/ws")), "wss://example.org/ws");
});

test("the hash of a URL is removed", async () => {
  assert.equal(await opened("ws://example.org/ws?a=1#part"), "ws://example.org/ws?a=1");
});

test("a relative URL is resolved against the page's", async (t) => {
  globalThis.location = { href: "https://example.org/app/index.html" };
  t.after(() => delete globalThis.location);
  assert.equal(await opened("/ws"), "wss://example.org/ws");
  assert.equal(await opened("ws"), "wss://example.org/app/ws");
});

const invalidUrl = (shown) => `invalid URL: ${shown}; pass a well-formed absolute URL`;

test("an invalid URL is refused at once", () => {
  for (const url of ["/ws", "", "ws//x", "http://"]) {
    assert.throws(() => connect(url, { wasm }), { code: "bad_url", message: invalidUrl(`"${url}"`) });
  }
});

test("another scheme is refused by name", () => {
  for (const scheme of ["ftp:", "file:", "mailto:"]) {
    const message = `invalid URL scheme: "${scheme}"; use wss:, ws:, https: or http:`;
    assert.throws(() => connect(`${scheme}//example.org/ws`, { wasm }), { code: "bad_url", message });
  }
});

test("the error for an invalid URL shows its value", () => {
  const circular = Object.create(null);
  circular.self = circular;
  for (const [url, shown] of [
    [Symbol("s"), "Symbol(s)"],
    [circular, "object"],
    [{ toJSON: () => undefined, toString: () => "//" }, "undefined"],
    [{ href: "ws://x/" }, '{"href":"ws://x/"}'],
    [undefined, "undefined"],
    [7, "7"],
    ["ws//x", '"ws//x"'],
  ]) {
    assert.throws(() => connect(url, { wasm }), {
      name: "SeamlineError",
      code: "bad_url",
      message: invalidUrl(shown),
    });
  }
});

test("a channel name is a string of 1 to 200 bytes", () => {
  FakeServer.install();
  const client = connect("ws://example.org/ws", { wasm });
  for (const name of ["", "x".repeat(201), "é".repeat(101), 7, undefined, null, Symbol("s")]) {
    assert.throws(() => client.channel(name), { name: "SeamlineError", code: "bad_channel" }, String(name));
  }
  for (const name of ["x", "x".repeat(200), "é".repeat(100), "a/b c"]) assert.equal(client.channel(name).name, name);
  client.close();
});

test("control characters and outer spaces are refused on subscribing", async () => {
  FakeServer.install();
  const client = connect("ws://example.org/ws", { wasm });
  const refused = [];
  for (const name of [" a", "a ", "a\n", "\u007f"]) {
    const channel = client.channel(name);
    channel.on("error", (error) => refused.push([name, error.code]));
    channel.on("message", () => {});
    await assert.rejects(channel.publish(1), { code: "bad_channel" });
  }
  assert.deepEqual(refused, [
    [" a", "bad_channel"],
    ["a ", "bad_channel"],
    ["a\n", "bad_channel"],
    ["\u007f", "bad_channel"],
  ]);
  client.close();
});

test("each call to channel() returns a new handle", () => {
  FakeServer.install();
  const client = connect("ws://example.org/ws", { wasm });
  assert.notEqual(client.channel("c"), client.channel("c"));
  client.close();
  assert.throws(() => client.channel("c"), { code: "closed" });
});
