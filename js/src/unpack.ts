import { wasmFailed } from "./wasm-failed.js";

type NodeGlobal = {
  process?: { getBuiltinModule?(name: string): { inflateRawSync(bytes: Uint8Array): BufferSource } };
};

/** The WebAssembly that the build embedded in a script: deflated, as base64. */
export function unpack(packed: string): Response | BufferSource {
  const bytes = Uint8Array.from(atob(packed), (character) => character.charCodeAt(0));
  try {
    return new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate-raw")));
  } catch {
    // It is missing in Jest's jsdom environment, and older than this format in browsers and Node from before 2023.
    const zlib = (globalThis as NodeGlobal).process?.getBuiltinModule?.("node:zlib");
    if (zlib) return zlib.inflateRawSync(bytes);
  }
  const cure = 'use a newer one (Node 20.12), or import "seamline/slim" and pass the option `wasm`';
  throw wasmFailed("this runtime has no DecompressionStream for deflate-raw", cure);
}
