// The tables that this package and the wasm share by number: each must have the same names in the same places on both sides.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { source } from "./support/source.mjs";

const { Call, Incoming, Kind, Op, Result, Start, INCOMING, OUTGOING, KNOWN, settings } = await source(
  "boundary",
  "frames",
  "known",
  "options",
);
const read = (path) => readFileSync(new URL(`../../${path}`, import.meta.url), "utf8");
const rust = read("src/wasm/tables.rs");

/** What stands between the braces of an item of `tables.rs`. */
function block(head) {
  const start = rust.indexOf(head);
  assert.notEqual(start, -1, head);
  return rust.slice(start, rust.indexOf("\n}", start));
}

const camelCase = (name) => name.toLowerCase().replace(/_(.)/g, (_, letter) => letter.toUpperCase());
const pascalCase = (name) => camelCase(`_${name}`);
const constants = (head) =>
  [...block(head).matchAll(/pub const (\w+): \w+ = ([-\d.]+);/g)].map(([, name, value]) => [pascalCase(name), +value]);
/** The names and numbers of an enum; esbuild's objects have them the other way round, too. */
const entries = (table) => Object.entries(table).filter(([, value]) => typeof value === "number");
/** The options that a list of fields in Rust reads, by the names that they have here. */
const options = (text) =>
  [...text.matchAll(/&mut config\.([\w.]+)/g)].map(([, field]) => camelCase(field).replace(/Max$|(?<=Path)s$/, ""));

for (const [name, table, head] of [
  ["Call", Call, "pub mod call"],
  ["Incoming", Incoming, "pub mod frame"],
  ["Op", Op, "pub mod op"],
  ["Result", Result, "pub mod answer"],
]) {
  test(`${name} has the numbers of the wasm's table`, () => {
    const numbers = constants(head);
    assert.ok(numbers.length > 0);
    assert.deepEqual(entries(table), numbers);
    assert.equal(new Set(numbers.map(([, value]) => value)).size, numbers.length);
  });
}

test("frames continue the numbers of calls", () => {
  const numbers = [...entries(Call), ...entries(Incoming)].map(([, value]) => value);
  assert.deepEqual(numbers, [...numbers.keys()]);
});

/** The ops that an enum of frames in Rust has, in its order. */
const ops = (file, head) => {
  const text = read(file);
  const body = text.slice(text.indexOf(head), text.indexOf("\n}", text.indexOf(head)));
  return [...body.matchAll(/^ {4}(\w+)(?= \{|,$)/gm)].map(([, name]) => name.toLowerCase());
};

test("the script writes every frame of the client", () => {
  const names = OUTGOING.map(([name]) => name);
  assert.deepEqual(names, ops("src/wire/client_frame.rs", "pub enum ClientFrame"));
  assert.deepEqual(
    names,
    entries(Op).map(([name]) => name.toLowerCase()),
  );
});

test("the script reads every frame of the server", () => {
  assert.deepEqual(
    INCOMING.map(([name]) => name),
    ops("src/wire/server_frame.rs", "pub enum ServerFrame"),
  );
});

test("the script reads the fields that the core needs", () => {
  const text = read("src/wire/json/server.rs");
  for (const [op, ...fields] of INCOMING) {
    const start = text.indexOf(`"${op}" =>`);
    const arm = text.slice(start, text.indexOf(`\n            ${op === "err" ? "_" : '"'}`, start + 1));
    const needed = [...arm.matchAll(/f\.(?:text|number)\("(\w+)"\)|f\.(id|data)\(\)/g)].map(([, a, b]) => a ?? b);
    const names = fields.filter((field) => !/^(-|\?.*)$/.test(field)).map((field) => field.replace(/^\W/, ""));
    assert.deepEqual(names.sort(), needed.sort(), op);
  }
});

test("Kind has the numbers of the wasm's reports", () => {
  const kinds = [...block("pub enum Kind").matchAll(/^ {4}(\w+) = (\d+),/gm)].map(([, name, value]) => [name, +value]);
  assert.ok(kinds.length > 0);
  assert.deepEqual(entries(Kind), kinds);
});

test("Start has the wasm's start points, and none is an offset", () => {
  const points = entries(Start).filter(([name]) => name !== "LastKnown"); // what has no number of its own in the wasm
  assert.deepEqual(points, constants("pub mod start"));
  for (const [name, value] of entries(Start)) assert.ok(value < 0, name);
});

test("settings are in the wasm's order", () => {
  const numbers = options(block("pub fn read_config"));
  const plain = options(read("src/wasm/plain.rs"));
  assert.equal(numbers.length, Number(/const NUMBERS: usize = (\d+);/.exec(rust)[1]));
  assert.ok(plain.length > 0);
  const given = { plain: Object.fromEntries(plain.map((name) => [name, `plain.${name}`])), backoff: {} };
  for (const name of numbers) {
    const [first, second] = name.split(".");
    if (second) given[first][second] = name;
    else given[first] = name;
  }
  assert.deepEqual(settings(given), [...numbers, ...plain.map((name) => `plain.${name}`)]);
});

test("stats have the names of the wasm's counts", () => {
  const [, names] = /"(connects [a-z ]+)"\.split/.exec(read("js/src/connection.ts"));
  const counts = [...block("pub fn counts").matchAll(/\bs\.(\w+)/g)].map(([, name]) => name);
  assert.deepEqual(names.split(" "), [...counts, "bytes"]);
});

test("known texts have the places of the wasm's list", () => {
  const known = read("src/wire/known.rs");
  const from = known.indexOf("const TEXTS");
  const constants = `${read("src/wire/code.rs")}${read("src/wire/limits.rs")}`.replaceAll(/\\\n\s*/g, "");
  const textOf = (name) => new RegExp(`\\b${name}(?:: &str)? =\\s*"(.*?)"`).exec(constants)[1];
  const items = known.slice(from, known.indexOf("];", from)).matchAll(/^ {8}(?:"(.*)"|(?:code::)?(\w+)),$/gm);
  const texts = [...items].map(([, text, name]) => text ?? textOf(name));
  assert.deepEqual(KNOWN, texts);
  assert.equal(new Set(texts).size, texts.length);
});
