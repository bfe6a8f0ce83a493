import { Client } from "./client.js";
import type { Dialect } from "./dialect.js";
import type { Options, UrlLike } from "./types.js";

/** Connects to a server. Each entry of the package has its own, which differs in where it has the WebAssembly. */
export type Connect = (url: string | UrlLike, options?: Options) => Client;

/** Creates an entry's `connect`. Its clients speak `seamline`, unless the application chooses another dialect. */
export function connectWith(seamline: Dialect): Connect {
  return (url, options = {}) => new Client(url, options, seamline);
}
