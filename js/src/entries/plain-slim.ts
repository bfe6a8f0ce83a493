import type { Dialect } from "../dialect.js";
import { start } from "../glue/plain.js";
import { sameVersion } from "../version.js";

/** As `plain` of `seamline/plain`, without WebAssembly inside: the option `wasm` is required. */
export const plain: Dialect = { seamline: sameVersion("dialect plain"), name: "plain", start };
