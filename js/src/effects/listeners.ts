import { SeamlineError } from "../error.js";
import type { Message } from "../types.js";
import { owned } from "./failure.js";
import type { AnyChannel } from "./handle.js";

type Messages = readonly Message[];
type Listener = (value: unknown, transaction?: unknown) => unknown;

/**
 * Runs the listener for a handle's messages by `run`, which calls it with those that are new. A handle has one such
 * listener: a transaction that commits for one of two would lose the message for the other.
 */
export function runListener(
  channel: AnyChannel,
  run: (messages: Messages, call: (messages: Messages, transaction: unknown) => unknown) => Promise<void>,
): void {
  const events = channel._dispatcher._events;
  const add = events.on as (event: string, listener: Listener, ...rest: unknown[]) => () => void;
  const on: typeof add = (event, listener, ...rest) => {
    const isForMessages = event === "message" || event === "batch";
    if (!isForMessages || typeof listener !== "function") return add.call(events, event, listener, ...rest);
    if (rest.length === 0) throw refused(channel, "be iterated", 'use `on("message")`'); // only iterators have no options
    if (events.of("message").length + events.of("batch").length > 0) {
      throw refused(channel, "have a second listener for messages", "open another handle, with a `key` of its own");
    }
    const isBatch = event === "batch";
    const wrapped: Listener = (value) =>
      run(isBatch ? (value as Messages) : [value as Message], (messages, transaction) =>
        listener(isBatch ? messages : messages[0], transaction),
      );
    return add.call(events, event, wrapped, ...rest);
  };
  Object.assign(events, { on });
}

/** The error for what a handle with a transaction cannot do. */
export function refused({ name, _port }: AnyChannel, what: string, advice: string): unknown {
  const message = `channel "${name}" has a \`transaction\` and cannot ${what}; ${advice}`;
  return owned(_port, new SeamlineError("not_supported", message));
}
