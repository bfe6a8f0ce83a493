import init, { Engine } from "../pkg-plain/seamline.js";
import type { Options } from "./types.js";

/** Loads the wasm that speaks the plain dialect. It has the same exports as the other. @internal */
export async function load(wasm: Options["wasm"], beside: (locate: () => URL) => URL | BufferSource): Promise<typeof Engine> {
  await init({ module_or_path: wasm ?? beside(() => new URL("./seamline-plain.wasm", import.meta.url)) });
  return Engine;
}
