import type { Dispatcher } from "../dispatcher.js";

export type { AnyChannel } from "../transaction.js";

/** What dispatches the messages of a handle. */
// biome-ignore lint/suspicious/noExplicitAny: it does not matter which types a handle gives its messages
export type AnyDispatcher = Dispatcher<any, any>;
