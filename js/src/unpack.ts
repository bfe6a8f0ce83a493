import { wasmFailed } from "./wasm-failed.js";

type NodeGlobal = { process?: { getBuiltinModule?(name: string): { inflateSync(bytes: Uint8Array): BufferSource } } };

/** The WebAssembly that the build embedded in a script: deflated, as base64. */
export function unpack(packed: string): Response | BufferSource {
  const bytes = Uint8Array.from(atob(packed), (character) => character.charCodeAt(0));
  if (globalThis.DecompressionStream) {
    return new Response(new Response(bytes).body!.pipeThrough(new DecompressionStream("deflate")));
  }
  // Jest's jsdom environment
  const zlib = (globalThis as NodeGlobal).process?.getBuiltinModule?.("node:zlib");
  if (zlib) return zlib.inflateSync(bytes);
  const cure = 'use a newer one, or import "seamline/slim" and pass the option `wasm`';
  throw wasmFailed("this runtime has no DecompressionStream", cure);
}
