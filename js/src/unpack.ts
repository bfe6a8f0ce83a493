import { wasmFailed } from "./wasm-failed.js";

type NodeGlobal = { process?: { getBuiltinModule?(name: string): { inflateSync(bytes: Uint8Array): BufferSource } } };

/** What `Uint8Array` has in newer engines. */
type Base64 = { fromBase64?(text: string): Uint8Array<ArrayBuffer> };

/** The WebAssembly that the build embedded in a script: deflated, as base64. */
export function unpack([packed]: [text: string]): Response | BufferSource {
  const bytes = (Uint8Array as Base64).fromBase64?.(packed) ?? decoded(packed);
  if (globalThis.DecompressionStream) {
    return new Response(new Response(bytes).body!.pipeThrough(new DecompressionStream("deflate")));
  }
  // Jest's jsdom environment
  const zlib = (globalThis as NodeGlobal).process?.getBuiltinModule?.("node:zlib");
  if (zlib) return zlib.inflateSync(bytes);
  const cure = 'use a newer one, or import "seamline/slim" and pass the option `wasm`';
  throw wasmFailed("this runtime has no DecompressionStream", cure);
}

/** `Uint8Array.from` takes ten times as long for a text, and this runs while the page loads. */
function decoded(base64: string): Uint8Array<ArrayBuffer> {
  const text = atob(base64);
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  return bytes;
}
