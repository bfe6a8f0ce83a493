import { wasmFailed } from "./wasm-failed.js";

type NodeGlobal = {
  process?: { getBuiltinModule?(name: string): { inflateRawSync(bytes: Uint8Array): BufferSource } };
};

/** The WebAssembly that the build embedded in a script: deflated, as base64. */
export function unpack(packed: string): Response | BufferSource {
  const bytes = Uint8Array.from(atob(packed), (character) => character.charCodeAt(0));
  if (globalThis.DecompressionStream) {
    return new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate-raw")));
  }
  // Jest's jsdom environment
  const zlib = (globalThis as NodeGlobal).process?.getBuiltinModule?.("node:zlib");
  if (zlib) return zlib.inflateRawSync(bytes);
  throw wasmFailed("DecompressionStream is missing", 'import "seamline/slim", and pass the option `wasm`');
}
