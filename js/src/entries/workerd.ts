// Cloudflare Workers compile nothing at run time: the wasm is a module that the deployment contains.
import { connectWith } from "../connect.js";
import { start } from "../glue/seamline.js";
import wasm from "./seamline.wasm";

export * from "../exports.js";

/** As `connect` of `seamline`. */
export const connect = connectWith({ name: "seamline", source: () => wasm, start });
