import type { Dialect } from "../dialect.js";
import { start } from "../glue/plain.js";
import { sameVersion } from "../version.js";
import wasm from "./seamline-plain.wasm";

/** As `plain` of `seamline/plain`. */
export const plain: Dialect = { seamline: sameVersion("dialect plain"), name: "plain", source: () => wasm, start };
