import packed from "../../pkg/seamline_bg.wasm";
import { connectWith } from "../connect.js";
import { start } from "../glue/seamline.js";
import { unpack } from "../unpack.js";

export * from "../exports.js";

/**
 * Connects to a server that speaks `seamline.v1`, and stays connected until {@link Client.close}. Returns at once.
 * Calls that are made before the connection is open wait for it. Throws a {@link SeamlineError} for an invalid URL or
 * option.
 *
 * @function
 */
export const connect = connectWith({ name: "seamline", source: () => unpack(packed), start });
