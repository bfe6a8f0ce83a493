import { wasmFailed } from "./wasm-failed.js";

type NodeGlobal = { process?: { getBuiltinModule?(name: string): { inflateSync(bytes: Uint8Array): BufferSource } } };

/** The WebAssembly that the build embedded in a script: deflated, as text. */
export function unpack([packed]: [text: string]): Response | BufferSource {
  const bytes = bytesOf(packed);
  if (globalThis.DecompressionStream) {
    return new Response(new Response(bytes).body!.pipeThrough(new DecompressionStream("deflate")));
  }
  // Jest's jsdom environment
  const zlib = (globalThis as NodeGlobal).process?.getBuiltinModule?.("node:zlib");
  if (zlib) return zlib.inflateSync(bytes);
  const cure = 'use a newer one, or import "seamline/slim" and pass the option `wasm`';
  throw wasmFailed("this runtime has no DecompressionStream", cure);
}

/** The bytes of a text: the reverse of `build/printable.mjs`, which explains it. */
function bytesOf(text: string): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(text.length);
  let size = 0;
  let bits = 0;
  let count = 0;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    const digit = (code < 92 ? 125 : 126) - code; // `\` is none
    const isShort = digit < 39;
    bits = (bits << (isShort ? 6 : 7)) | (isShort ? digit : digit + 39);
    count += isShort ? 6 : 7;
    if (count > 7) bytes[size++] = bits >> (count -= 8);
  }
  return bytes.subarray(0, size);
}
