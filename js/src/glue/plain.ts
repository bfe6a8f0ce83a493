import { Engine, initSync } from "../../pkg-plain/seamline.js";
import type { EngineClass } from "../boundary.js";

/** Starts the wasm that speaks the plain dialect. It has the same exports as the other. */
export function start(module: WebAssembly.Module): EngineClass {
  initSync({ module });
  return Engine;
}
