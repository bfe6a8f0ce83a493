import { Engine, initSync } from "../pkg-plain/seamline.js";
import type { EngineClass } from "./boundary.js";
import type { Options } from "./types.js";

/** Loads the wasm that speaks the plain dialect. It has the same exports as the other. @internal */
export async function load(
  wasm: Options["wasm"],
  compile: (wasm: Options["wasm"], locate: () => URL) => Promise<WebAssembly.Module>,
): Promise<EngineClass> {
  initSync({ module: await compile(wasm, () => new URL("./seamline-plain.wasm", import.meta.url)) });
  return Engine;
}
