import { connectWith } from "../connect.js";
import { start } from "../glue/seamline.js";

export * from "../exports.js";

/** As `connect` of `seamline`, without WebAssembly inside: the option `wasm` is required. */
export const connect = connectWith({ name: "seamline", start });
