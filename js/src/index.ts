import { Client } from "./client.js";
import type { Options } from "./types.js";

export type { Channel, ChannelEvents } from "./channel.js";
export type { Client, ClientEvents } from "./client.js";
export type * from "./codes.js";
export { SeamlineError } from "./error.js";
export type * from "./types.js";

/**
 * Connects to a server that speaks `seamline.v1`, and stays connected until {@link Client.close}.
 * Returns at once; what is called meanwhile is done as soon as it can be. Throws a
 * {@link SeamlineError} for a URL or an option that cannot be meant.
 */
export function connect(url: string | URL, options: Options = {}): Client {
  return new Client(url, options);
}
