// The build injects these into the scripts, because the glue of the wasm makes a `TextDecoder` when it is imported.
type Coding = Pick<typeof globalThis, "TextDecoder" | "TextEncoder">;
type NodeGlobal = { process?: { getBuiltinModule?(name: string): Coding } };

/** React Native may have no decoder. It has no WebAssembly either, which the client reports when it connects. */
class NoDecoder {
  decode(): void {}
}

const coding = globalThis.TextDecoder
  ? globalThis
  : // Jest's jsdom environment has them only in Node's own module.
    (globalThis as NodeGlobal).process?.getBuiltinModule?.("node:util");

export const TextDecoder = coding?.TextDecoder ?? NoDecoder;
export const TextEncoder = coding?.TextEncoder ?? globalThis.TextEncoder;
