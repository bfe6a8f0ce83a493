// What every entry exports beside its `connect`.
export type { Channel, ChannelEvents } from "./channel.js";
export type { Client, ClientEvents } from "./client.js";
export type * from "./codes.js";
export type { Dialect } from "./dialect.js";
export { SeamlineError } from "./error.js";
export type * from "./standard-schema.js";
export type { Transaction } from "./transaction.js";
export type * from "./types.js";
