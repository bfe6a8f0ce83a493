import type { ChannelPort } from "../channel.js";
import type { Connection } from "../connection.js";
import { SeamlineError, text } from "../error.js";
import type { Position } from "../types.js";

/** The transaction of a channel failed: nothing of it is stored. */
export function transactionFailed(what: string, why: string, cause?: unknown): SeamlineError {
  return new SeamlineError("transaction_failed", `${what}: ${why}`, { cause });
}

/** The same error by the client's own class: an application tests `instanceof SeamlineError` with that one. */
export function owned(port: ChannelPort, error: unknown): unknown {
  if (!(error instanceof SeamlineError)) return error;
  const { code, message, cause } = error;
  const own = (port as Connection).error(code, message);
  return cause === undefined ? own : Object.assign(own, { cause });
}

/** A transaction takes so long that it may never end. */
export function transactionStalled(channel: string, waitedMs: number): SeamlineError {
  const advice = "see that opening the database is not blocked by another tab, and that the adapter settles";
  const message = `a transaction of channel "${channel}" has not ended for ${waitedMs} ms: the channel waits; ${advice}`;
  return new SeamlineError("transaction_stalled", message);
}

export function positionMoved(channel: string, stored: Position | undefined, before: Position): SeamlineError {
  const [found, own] = [stored, before].map((position) => (position ? `${position.epoch}/${position.offset}` : "none"));
  const advice = "nothing was stored; close the handle and open it again, or reload the page";
  const what = `the stored position of channel "${channel}" was changed by something else`;
  return new SeamlineError("position_moved", `${what}: it is ${found}, and this handle is at ${own}; ${advice}`);
}

export function listenerTimedOut(limitMs: number): SeamlineError {
  return transactionFailed(
    "a listener for messages was stopped",
    `it has not finished within ${limitMs} ms; nothing was stored; use only the listener's own transaction, because another ` +
      "one waits for its end, or set `listenerTimeoutMs`",
  );
}

/** What became of a listener's transaction, as an error for the application: its own errors stay as they are. */
export function explained(channel: string, error: unknown): unknown {
  const { name } = (error ?? {}) as Partial<Error>;
  const what = `a transaction of channel "${channel}" failed`;
  switch (name) {
    case "TransactionInactiveError":
    case "PrematureCommitError":
      return transactionFailed(
        what,
        "a listener has awaited something other than a request of its transaction, and used the transaction after " +
          "that; nothing was stored; do in a listener only what the transaction can do",
        error,
      );
    case "QuotaExceededError":
      return transactionFailed(
        what,
        "the storage is full; nothing was stored; free some of this site's storage",
        error,
      );
    case "InvalidStateError":
    case "DatabaseClosedError":
      return transactionFailed(
        what,
        "the database is closed; nothing was stored; pass a function that opens the database again",
        error,
      );
    case "NotFoundError":
      return transactionFailed(
        what,
        `${text((error as Error).message)}; name every object store that the listener uses, and create the one for ` +
          'positions when you upgrade the database: `db.createObjectStore("positions")`',
        error,
      );
    default:
      return error;
  }
}
