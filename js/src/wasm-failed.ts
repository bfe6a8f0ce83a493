import { SeamlineError } from "./error.js";

/** A fault that a later attempt may not have. Only this is retried. */
export class NetworkFault extends SeamlineError {}

/** Why there is no WebAssembly, and what to do. */
export function wasmFailed(cause: string, cure: string, Kind = SeamlineError): SeamlineError {
  return new Kind("wasm_failed", `could not load the WebAssembly: ${cause}; ${cure}`);
}
