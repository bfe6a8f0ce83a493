// The wasm inside the script: deflated (build/printable.mjs) and unpacked again (src/unpack.ts).
import assert from "node:assert/strict";
import { test } from "node:test";
import { deflateSync } from "node:zlib";
import { toPrintable } from "../build/printable.mjs";
import { source } from "./support/source.mjs";

const { unpack } = await source("unpack");

test("every length and every byte is unpacked as it was", async () => {
  for (let length = 0; length < 300; length++) {
    const bytes = Uint8Array.from({ length }, (_, i) => (i * 151 + length * 7) % 256);
    const text = toPrintable(deflateSync(bytes, { level: 0 }));
    assert.match(text, /^[%-[\]-~]*$/);
    assert.deepEqual(new Uint8Array(await unpack([text]).arrayBuffer()), bytes);
  }
});
