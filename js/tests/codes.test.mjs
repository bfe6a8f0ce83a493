// The codes in the types against those of the Rust side and of the protocol's description.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

const read = (path) => readFileSync(new URL(`../../${path}`, import.meta.url), "utf8");
const types = read("js/src/codes.ts");
const codes = read("src/wire/code.rs");
const protocol = read("docs/PROTOCOL.md");

/** The words of a union in `codes.ts`. */
function union(name) {
  const [, body] = new RegExp(`export type ${name} =([^;]*);`).exec(types.replaceAll(/\/\*\*.*?\*\//gs, ""));
  return [...body.matchAll(/"(\w+)"/g)].map(([, code]) => code);
}

/** The words that follow a comment in `code.rs`, up to the next comment of that kind. */
function section(title) {
  const start = codes.indexOf(`// ${title}`);
  assert.notEqual(start, -1, title);
  const rest = codes.slice(start + 3);
  const end = rest.search(/^ +\/\/ |^}/m);
  return [...rest.slice(0, end).matchAll(/= "(\w+)";/g)].map(([, code]) => code);
}

for (const [name, title] of [
  ["ServerErrorCode", "Sent by the server"],
  ["ClientErrorCode", "Raised by the client.\n"],
  ["PlainErrorCode", "Raised by the client in the plain dialect"],
  ["ArgumentErrorCode", "Raised by the npm package"],
  ["EntryErrorCode", "Reported by the entries"],
]) {
  test(`${name} lists the codes of src/wire/code.rs`, () => {
    assert.deepEqual(union(name).sort(), section(title).sort());
    assert.ok(union(name).length > 0);
  });
}

test("ErrorCode has every code of src/wire/code.rs", () => {
  const known = ["ServerErrorCode", "ClientErrorCode", "PlainErrorCode", "ArgumentErrorCode", "EntryErrorCode"].flatMap(
    union,
  );
  const all = [...codes.matchAll(/^ +[A-Z_]+ = "(\w+)";/gm)].map(([, code]) => code);
  assert.deepEqual(known.sort(), all.sort());
});

test("ReasonCode lists the reasons of the core and of the package", () => {
  const core = [...read("src/core/state.rs").matchAll(/ReasonCode::\w+ => known!\("(\w+)"\)/g)].map(([, code]) => code);
  assert.ok(core.length > 0);
  assert.deepEqual(union("ReasonCode").sort(), [...core, "no_websocket", "wasm_failed"].sort());
});

/** The words in a column of the table with this header. */
function column(header, place) {
  const start = protocol.indexOf(`\n${header}`);
  assert.notEqual(start, -1, header);
  const [table] = protocol.slice(start + 1).split("\n\n");
  const cells = table.split("\n").map((row) => row.split(" | ")[place]);
  return cells.slice(2).flatMap((cell) => [...cell.matchAll(/`(\w+)`/g)].map(([, code]) => code));
}

test("docs/PROTOCOL.md lists every code of the server, and no other", () => {
  const listed = [...column("| `err` code", 0), ...column("| `pubnack` code", 0), ...column("| status | code |", 1)];
  assert.deepEqual([...new Set(listed)].sort(), union("ServerErrorCode").sort());
});
