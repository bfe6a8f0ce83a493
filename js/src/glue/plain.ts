import { call, create, free, start as startWasm } from "../../pkg-plain/seamline.js";
import type { CreateEngine } from "../boundary.js";

/** Starts the wasm that speaks the plain dialect. It has the same exports as the other. */
export function start(module: WebAssembly.Module): CreateEngine {
  startWasm(module);
  return (hasToken, host) => {
    const engine = create(hasToken, host);
    return { call: (kind, id) => call(engine, kind, id), free: () => free(engine) };
  };
}
