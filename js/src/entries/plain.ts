import packed from "../../pkg-plain/seamline_bg.wasm";
import type { Dialect } from "../dialect.js";
import { start } from "../glue/plain.js";
import { unpack } from "../unpack.js";
import { sameVersion } from "../version.js";

/** The plain dialect, for the option `dialect` of `connect`. */
export const plain: Dialect = {
  seamline: sameVersion("dialect plain"),
  name: "plain",
  source: () => unpack(packed),
  start,
};
