import { Engine, initSync } from "../../pkg/seamline.js";
import type { EngineClass } from "../boundary.js";

/** Starts the wasm that speaks `seamline.v1`. */
export function start(module: WebAssembly.Module): EngineClass {
  initSync({ module });
  return Engine;
}
