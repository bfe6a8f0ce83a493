import { Client } from "./client.js";
import type { Options } from "./types.js";

export type { Channel, ChannelEvents } from "./channel.js";
export type { Client, ClientEvents } from "./client.js";
export type * from "./codes.js";
export { SeamlineError } from "./error.js";
export type * from "./types.js";

/**
 * Connects to a server that speaks `seamline.v1`, and stays connected until {@link Client.close}. Returns at once.
 * Calls that are made before the connection is open wait for it. Throws a {@link SeamlineError} for an invalid URL or
 * option.
 */
export function connect(url: string | URL, options: Options = {}): Client {
  return new Client(url, options);
}
