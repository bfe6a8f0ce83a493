import { call, create, free, start as startWasm } from "../../pkg/seamline.js";
import type { CreateEngine } from "../boundary.js";

/** Starts the wasm that speaks `seamline.v1`. */
export function start(module: WebAssembly.Module): CreateEngine {
  startWasm(module);
  return (hasToken, host) => {
    const engine = create(hasToken, host);
    return { call: (kind, id) => call(engine, kind, id), free: () => free(engine) };
  };
}
