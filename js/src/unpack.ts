/** The WebAssembly that the build embedded in a script: deflated, as base64. */
export function unpack(packed: string): Response {
  const deflated = Uint8Array.from(atob(packed), (character) => character.charCodeAt(0));
  return new Response(new Blob([deflated]).stream().pipeThrough(new DecompressionStream("deflate-raw")));
}
