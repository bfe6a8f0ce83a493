// The tables that this package and the wasm share by number: each must have the same names in the same places on both sides.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { source } from "./support/source.mjs";

const { Call, Kind, Start, settings } = await source("boundary", "options");
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

test("Call has the numbers of the wasm's calls", () => {
  const calls = constants("pub mod call");
  assert.deepEqual(entries(Call), calls);
  assert.deepEqual(new Set(calls.map(([, value]) => value)).size, calls.length);
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
