// The build injects these into the scripts: Jest's jsdom environment has them only in Node's own module.
type Coding = Pick<typeof globalThis, "TextDecoder" | "TextEncoder">;
type NodeGlobal = { process: { getBuiltinModule(name: string): Coding } };

const coding = globalThis.TextDecoder
  ? globalThis
  : (globalThis as unknown as NodeGlobal).process.getBuiltinModule("node:util");

export const TextDecoder = coding.TextDecoder;
export const TextEncoder = coding.TextEncoder;
