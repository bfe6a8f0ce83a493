// How copies of a tab are distinguished: each page load has a name, and lists those of the earlier ones.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { connect } from "../dist/index.js";
import { FakeServer, until } from "./support/server.mjs";
import { source } from "./support/source.mjs";

const wasm = await readFile(new URL("../dist/seamline.wasm", import.meta.url));

/** A tab's `sessionStorage` from now on; a copy of another tab's, if there is one. */
function tab(t, copied = {}) {
  const items = { ...copied };
  const storage = {
    getItem: (key) => items[key] ?? null,
    setItem: (key, value) => void (items[key] = value),
  };
  define(t, { value: storage });
  return items;
}

function define(t, property) {
  const before = Object.getOwnPropertyDescriptor(globalThis, "sessionStorage");
  Object.defineProperty(globalThis, "sessionStorage", { configurable: true, ...property });
  t.after(() =>
    before ? Object.defineProperty(globalThis, "sessionStorage", before) : delete globalThis.sessionStorage,
  );
}

const name = (letter) => letter.repeat(16);
/** A page load: a copy of the module, and a client of it. */
async function load(id, letter) {
  const { lineageOf } = await source("lineage");
  return lineageOf(id, name(letter));
}

test("a page load lists the earlier ones of its tab", async (t) => {
  const original = tab(t);
  assert.equal((await load("me", "a"))._names(), name("a"));
  assert.equal((await load("me", "b"))._names(), `${name("b")} ${name("a")}`);
  assert.deepEqual(original, { "seamline:me": `${name("b")} ${name("a")}` });
  tab(t, original);
  assert.equal((await load("me", "c"))._names(), `${name("c")} ${name("b")} ${name("a")}`);
  tab(t, original);
  assert.equal(
    (await load("me", "d"))._names(),
    `${name("d")} ${name("b")} ${name("a")}`,
    "it knows nothing of the copy",
  );
  assert.equal((await load("you", "e"))._names(), name("e"), "another client id");
});

test("a reload continues a restored page", async (t) => {
  const items = tab(t);
  const first = await load("me", "a");
  first._names();
  (await load("me", "b"))._names();
  first._names(); // when it is hidden again
  assert.equal(items["seamline:me"], `${name("a")} ${name("b")}`);
});

test("at most eight names are kept", async (t) => {
  const items = tab(t, { "seamline:me": `{"x":1}  ${name("z")}\n` });
  assert.equal((await load("me", "a"))._names(), `${name("a")} ${name("z")}`);
  for (const letter of "bcdefghij") (await load("me", letter))._names();
  assert.equal(items["seamline:me"], [..."jihgfedc"].map(name).join(" "));
});

test("clients with the same id have separate lineages", async (t) => {
  tab(t);
  const { lineageOf } = await source("lineage");
  const [first, second] = [lineageOf("me", name("a")), lineageOf("me", name("b"))];
  assert.deepEqual([first._names(), second._names()], [name("a"), name("b")]);
  first._end();
  assert.equal(lineageOf("me", name("c"))._names(), `${name("c")} ${name("a")}`);
});

test("an unusable sessionStorage gives no lineage", async (t) => {
  define(t, { value: undefined });
  assert.equal((await load("me", "a"))._names(), undefined);
  define(t, {
    get: () => {
      throw new Error("forbidden");
    },
  });
  assert.equal((await load("me", "a"))._names(), undefined);
  const full = () => {
    throw new Error("full");
  };
  define(t, { value: { getItem: () => name("z"), setItem: full } });
  assert.equal((await load("me", "a"))._names(), `${name("a")} ${name("z")}`);
});

/** The lineages that the server receives on two connections. */
async function lineages(t, options) {
  const server = FakeServer.install();
  const client = connect("ws://example.org/ws", { wasm, backoff: { initialMs: 1, maxMs: 5 }, logger: {}, ...options });
  t.after(() => client.close());
  await until(() => client.state.name === "open");
  server.drop();
  await until(() => server.ops("hello").length === 2);
  return server.ops("hello").map(({ lineage }) => lineage);
}

test("every hello of a page load has the same lineage", async (t) => {
  tab(t, { "seamline:tab": name("z") });
  const [first, second] = await lineages(t, { clientId: "tab" });
  assert.match(first, /^[0-9a-f]{16} z{16}$/);
  assert.equal(second, first);
  assert.deepEqual(await lineages(t, {}), [undefined, undefined]);
});
