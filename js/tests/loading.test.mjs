// The wasm: passed in several ways, missing, broken, or late.
import assert from "node:assert/strict";
import { copyFile, mkdtemp, readFile, rm } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath, pathToFileURL } from "node:url";
import { build } from "esbuild";
import { FakeServer, until } from "./support/server.mjs";

const bytes = await readFile(new URL("../dist/seamline.wasm", import.meta.url));

/** A fresh copy of the package: the wasm is loaded once per copy. */
let copies = 0;
const fresh = (name = "index") => import(`../dist/${name}.js?${++copies}`);

const ways = {
  bytes: () => bytes,
  "an ArrayBuffer": () => new Uint8Array(bytes).buffer,
  "a module": () => new WebAssembly.Module(bytes),
  "a Response": () => new Response(bytes, { headers: { "content-type": "application/wasm" } }),
  "a promise of a Response": async () => new Response(bytes, { headers: { "content-type": "application/wasm" } }),
  "a data: URL": () => `data:application/wasm;base64,${bytes.toString("base64")}`,
};

for (const [way, make] of Object.entries(ways)) {
  test(`the wasm can be ${way}`, async () => {
    FakeServer.install();
    const { connect } = await fresh();
    const client = connect("ws://example.org/ws", { wasm: make() });
    await until(() => client.state.name === "open");
    client.close();
  });
}

test("invalid wasm bytes end the client", async () => {
  const { connect } = await fresh();
  const logged = [];
  const client = connect("ws://example.org/ws", {
    wasm: new Uint8Array(8),
    logger: { error: (...line) => logged.push(line) },
  });
  const published = client.channel("c").publish(1);
  await assert.rejects(published, { code: "closed" });
  assert.equal(client.state.reason.code, "wasm_failed");
  assert.match(client.state.reason.message, /^could not load the WebAssembly: /);
  assert.equal(logged.length, 1);
});

test("a failed wasm fetch is retried", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const fetches = t.mock.method(globalThis, "fetch", async () => {
    if (fetches.mock.callCount() < 2) throw new TypeError("offline");
    return new Response(bytes, { headers: { "content-type": "application/wasm" } });
  });
  const settled = () => new Promise((resolve) => setImmediate(resolve));
  FakeServer.install();
  const { connect } = await fresh();
  const client = connect("ws://example.org/ws", { wasm: "https://example.org/x.wasm", logger: {} });
  for (const attempt of [1, 2]) {
    while (client.state.attempt !== attempt) await settled();
    assert.deepEqual([client.state.name, client.state.reason.code], ["waiting", "wasm_failed"]);
    t.mock.timers.tick(1000 * attempt);
  }
  while (client.state.name !== "open") await settled();
  assert.equal(fetches.mock.callCount(), 3);
  client.close();
});

test("calls before the wasm loads run in order", async () => {
  const server = FakeServer.install();
  server.logs.set("c", ["a"]);
  const { connect } = await fresh();
  let load;
  const client = connect("ws://example.org/ws", { wasm: new Promise((resolve) => (load = resolve)) });
  const seen = [];
  const channel = client.channel("c", { from: "start" });
  channel.on("message", ({ data }) => void seen.push(data));
  const published = Promise.all([channel.publish("b"), channel.publish("c")]);
  const closed = client.channel("closed before it began");
  closed.on("message", () => {});
  closed.close();
  assert.equal(server.sockets.length, 0);
  load(new Response(bytes, { headers: { "content-type": "application/wasm" } }));
  await published;
  await until(() => seen.length === 3);
  assert.deepEqual(seen, ["a", "b", "c"]);
  assert.deepEqual(
    server.ops("sub").map(({ ch }) => ch),
    ["c"],
  );
  client.close();
});

test("a wasm that never arrives does not block another one", async () => {
  FakeServer.install();
  const { connect } = await fresh("slim");
  const waits = connect("ws://example.org/ws", { wasm: new Promise(() => {}) });
  const client = connect("ws://example.org/ws", { wasm: bytes });
  await until(() => client.state.name === "open");
  assert.equal(waits.state.name, "connecting");
  waits.close();
  client.close();
});

test("clients of a page share one wasm", async (t) => {
  FakeServer.install();
  const compile = t.mock.method(WebAssembly, "compile");
  const { connect } = await fresh();
  const clients = [1, 2, 3].map(() => connect("ws://example.org/ws"));
  await Promise.all(clients.map((client) => client.ready()));
  const later = connect("ws://example.org/ws", { wasm: bytes });
  await later.ready();
  assert.equal(compile.mock.callCount(), 1);
  for (const client of [...clients, later]) client.close();
});

test("a client closed before the wasm loads never connects", async () => {
  const server = FakeServer.install();
  const { connect } = await fresh();
  let load;
  const client = connect("ws://example.org/ws", { wasm: new Promise((resolve) => (load = resolve)) });
  const channel = client.channel("c");
  channel.on("message", () => {});
  const published = channel.publish(1);
  client.close();
  assert.equal(client.state.name, "closed");
  await assert.rejects(published, { code: "closed" });
  load(new Response(bytes, { headers: { "content-type": "application/wasm" } }));
  await new Promise((resolve) => setTimeout(resolve, 50));
  assert.deepEqual([server.sockets.length, client.state.name], [0, "closed"]);
});

/** Removes a property until the end of a test. */
function without(t, object, name) {
  const property = Object.getOwnPropertyDescriptor(object, name);
  t.after(() => property && Object.defineProperty(object, name, property));
  delete object[name];
}

/** A client that ends for want of something: its reason, and what it wrote to the log. */
async function ended(connect, options) {
  const logged = [];
  const client = connect("ws://example.org/ws", {
    ...options,
    logger: { error: (...line) => logged.push(line.join(" ")) },
  });
  await until(() => client.state.name === "closed");
  return { reason: client.state.reason, logged };
}

test("without WebAssembly the client ends with a reason", async (t) => {
  FakeServer.install();
  const { connect } = await fresh();
  without(t, globalThis, "WebAssembly");
  for (const options of [{}, { wasm: bytes }, { dialect: "plain" }]) {
    const { reason, logged } = await ended(connect, options);
    assert.equal(reason.code, "wasm_failed");
    assert.match(reason.message, /^WebAssembly is missing; turn off Lockdown Mode/);
    assert.deepEqual(logged, [`seamline: ${reason.message}`]);
  }
});

test("each bundle format contains the wasm", async (t) => {
  const directory = await mkdtemp(join(tmpdir(), "seamline-bundle-"));
  t.after(() => rm(directory, { recursive: true }));
  const entryPoints = [fileURLToPath(new URL("../dist/index.js", import.meta.url))];
  for (const format of ["esm", "cjs", "iife"]) {
    const outfile = join(directory, `${format}.cjs`);
    const { warnings } = await build({ entryPoints, outfile, bundle: true, format, globalName: "bundled" });
    assert.deepEqual(warnings, [], format);
    const text = await readFile(outfile, "utf8");
    const bundled =
      format === "esm"
        ? await import(`data:text/javascript;base64,${Buffer.from(text).toString("base64")}`)
        : new Function("module", `${text}\nreturn ${format === "cjs" ? "module.exports" : "bundled"}`)({});
    FakeServer.install();
    const client = bundled.connect("ws://example.org/ws");
    await until(() => client.state.name === "open");
    client.close();
  }
});

test("require() returns the same names as import", async () => {
  const require = createRequire(import.meta.url);
  for (const name of ["index", "slim", "plain", "plain-slim"]) {
    const names = Object.keys(require(`../dist/${name}.cjs`)).sort();
    assert.deepEqual(names, Object.keys(await import(`../dist/${name}.js`)).sort(), name);
  }
  FakeServer.install();
  const client = require("../dist/index.cjs").connect("ws://example.org/ws");
  await until(() => client.state.name === "open");
  client.close();
});

test("require() works in Jest's jsdom environment", async (t) => {
  for (const name of ["DecompressionStream", "Response", "TextDecoder", "TextEncoder"]) without(t, globalThis, name);
  const require = createRequire(import.meta.url);
  const path = require.resolve("../dist/index.cjs");
  delete require.cache[path];
  t.after(() => delete require.cache[path]);
  FakeServer.install();
  const client = require(path).connect("ws://example.org/ws");
  await until(() => client.state.name === "open");
  client.close();
});

test("without wasm inside, the option `wasm` is required", async () => {
  FakeServer.install();
  const [{ connect }, { plain }] = await Promise.all([fresh("slim"), fresh("plain-slim")]);
  for (const options of [{}, { dialect: plain }]) {
    const { reason, logged } = await ended(connect, options);
    assert.equal(reason.code, "wasm_failed");
    assert.match(reason.message, /pass the option `wasm`/);
    assert.deepEqual(logged, [`seamline: ${reason.message}`]);
  }
  const client = connect("ws://example.org/ws", { wasm: bytes });
  await until(() => client.state.name === "open");
  client.close();
});

for (const [way, dialect] of [
  ["as a value", (await import("../dist/plain.js")).plain],
  ["by name", "plain"],
]) {
  test(`the plain dialect can be passed ${way}`, async () => {
    const server = FakeServer.install();
    const { connect } = await fresh();
    const client = connect("ws://example.org/ws", { dialect });
    await until(() => client.state.name === "open");
    assert.equal(server.sockets[0].protocol, undefined);
    client.close();
  });
}

test("where plain.js is missing, the client names the import", async (t) => {
  const directory = await mkdtemp(join(tmpdir(), "seamline-alone-"));
  t.after(() => rm(directory, { recursive: true }));
  await copyFile(new URL("../dist/index.js", import.meta.url), join(directory, "index.mjs"));
  FakeServer.install();
  const { connect } = await import(pathToFileURL(join(directory, "index.mjs")));
  const { reason, logged } = await ended(connect, { dialect: "plain" });
  assert.equal(reason.code, "wasm_failed");
  assert.match(reason.message, /could not load plain\.js: .*; import \{ plain \} from "seamline\/plain"/);
  assert.deepEqual(logged, [`seamline: ${reason.message}`]);
});

const SITE = "https://example.org/seamline.wasm";
const HTML = "<!doctype html><title>Start</title>";
const answer = (body, init) => async () => Object.defineProperty(new Response(body, init), "url", { value: SITE });

for (const [what, answered, message] of [
  ["a page", answer(HTML), /seamline\.wasm is HTML, not WebAssembly; serve the `\.wasm` file .*, or import "seamline"/],
  ["an image", answer("\x89PNG"), /seamline\.wasm is something else, not WebAssembly; serve/],
  ["nothing", answer(""), /seamline\.wasm is something else, not WebAssembly; serve/],
  ["HTTP 404", answer(HTML, { status: 404 }), /HTTP 404 for https:\/\/example\.org\/seamline\.wasm; serve/],
  ["HTTP 403", answer("", { status: 403 }), /HTTP 403 for https:/],
  ["a truncated file", answer(bytes.subarray(0, 9000)), /CompileError.*; use the `\.wasm` file of the same version/],
]) {
  test(`${what} in place of the wasm ends the client`, async (t) => {
    FakeServer.install();
    const { connect } = await fresh("slim");
    const fetches = t.mock.method(globalThis, "fetch", answered);
    for (const wasm of [SITE, new URL(SITE), fetch(SITE)]) {
      const { reason, logged } = await ended(connect, { wasm });
      assert.equal(reason.code, "wasm_failed");
      assert.match(reason.message, message);
      assert.deepEqual(logged, [`seamline: ${reason.message}`]);
    }
    assert.equal(fetches.mock.callCount(), 3);
  });
}

for (const [what, wasm, message] of [
  [
    "a file: URL",
    "file:///seamline.wasm",
    /cannot fetch file:\/\/\/seamline\.wasm; read the file, and pass its bytes$/,
  ],
  ["a relative URL in Node", "./seamline.wasm", /\.\/seamline\.wasm/],
  ["an empty module", Uint8Array.of(0, 97, 115, 109, 1, 0, 0, 0), /; use the `\.wasm` file of the same version/],
  ["an object of another kind", {}, /could not load the WebAssembly: /],
  ["a promise of nothing", Promise.resolve(), /the option `wasm` is something else, not WebAssembly; serve/],
]) {
  test(`${what} as the wasm ends the client`, async () => {
    FakeServer.install();
    const { connect } = await fresh("slim");
    const { reason, logged } = await ended(connect, { wasm });
    assert.equal(reason.code, "wasm_failed");
    assert.match(reason.message, message);
    assert.deepEqual(logged, [`seamline: ${reason.message}`]);
  });
}

test("a server's fault is logged once, and retried", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  t.mock.method(globalThis, "fetch", answer("", { status: 503 }));
  const { connect } = await fresh("slim");
  const logged = [];
  const client = connect("ws://example.org/ws", {
    wasm: SITE,
    logger: { warn: (...line) => logged.push(line.join(" ")) },
  });
  for (const attempt of [1, 2, 3]) {
    while (client.state.attempt !== attempt) await new Promise((resolve) => setImmediate(resolve));
    t.mock.timers.tick(10_000);
  }
  const { message } = client.state.reason;
  assert.match(message, /HTTP 503 for https:\/\/example\.org\/seamline\.wasm; check the network, .*connect-src/);
  assert.deepEqual(logged, [`seamline: ${message}`]);
  client.close();
});

test("without DecompressionStream, Node's zlib unpacks the wasm", async (t) => {
  without(t, globalThis, "DecompressionStream");
  FakeServer.install();
  const { connect } = await fresh();
  const client = connect("ws://example.org/ws");
  await until(() => client.state.name === "open");
  client.close();
});

test("without any decompression, the client names seamline/slim", async (t) => {
  without(t, globalThis, "DecompressionStream");
  without(t, process, "getBuiltinModule");
  FakeServer.install();
  const { connect } = await fresh();
  const { reason } = await ended(connect, {});
  assert.equal(reason.code, "wasm_failed");
  assert.match(reason.message, /no DecompressionStream; .* import "seamline\/slim" and pass the option `wasm`/);
});

test("React Native has neither WebAssembly nor a decoder", async (t) => {
  for (const name of ["WebAssembly", "TextDecoder", "DecompressionStream"]) without(t, globalThis, name);
  without(t, process, "getBuiltinModule");
  FakeServer.install();
  const { connect } = await fresh();
  const { reason } = await ended(connect, {});
  assert.match(reason.message, /^WebAssembly is missing/);
});

for (const [what, value] of [
  ["a symbol", Symbol("no")],
  ["nothing", undefined],
  ["an object without a prototype", Object.create(null)],
]) {
  test(`a wasm promise that rejects with ${what} ends the client`, async () => {
    FakeServer.install();
    const { connect } = await fresh();
    const { reason } = await ended(connect, { wasm: Promise.reject(value) });
    assert.equal(reason.code, "wasm_failed");
    assert.match(reason.message, /^could not load the WebAssembly: /);
  });
}
