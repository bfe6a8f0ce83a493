import type { Channel } from "./channel.js";
import type { ChannelOptions } from "./types.js";
import type { CheckVersion } from "./version.js";

// biome-ignore-start lint/suspicious/noExplicitAny: it does not matter which types a handle gives its messages
/** @internal */
export type AnyChannel = Channel<any, any, any>;
/** @internal */
export type AnyOptions = ChannelOptions<any, any>;
// biome-ignore-end lint/suspicious/noExplicitAny: until here

/**
 * Stores the position of a channel, with what a listener does. Made by the functions of `seamline/effects`. `X` is the
 * type of a transaction.
 */
export interface Transaction<X = never> {
  readonly kind: "transaction";
  /** Throws if the client is of another version of the package. @internal */
  readonly seamline: CheckVersion;
  /** For the compiler only: a listener's second argument. */
  readonly argument?: X | undefined;
  /** Takes over where a handle begins, and how its listener is called. @internal */
  _attach(channel: AnyChannel, options: AnyOptions): void;
}
