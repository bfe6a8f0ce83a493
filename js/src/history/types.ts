import type { AbortSignalLike, Message } from "../types.js";

/** The options of {@link history}. */
export interface HistoryOptions {
  /**
   * Only messages before this offset: that of the oldest message that you show. Default: where the handle began, so that
   * nothing is read that the handle receives. Before it has begun, the newest messages.
   */
  before?: number | undefined;
  /** How many messages to read. Default 50. */
  limit?: number | undefined;
  /** Ends the wait. */
  signal?: AbortSignalLike | undefined;
}

/** Messages of the past, see {@link history}. */
export interface History<T = unknown> {
  /** In the order of the log, the oldest first. Nothing has checked that the payloads are a `T`. */
  messages: Message<T>[];
  /** Whether the log has nothing before these messages. */
  isStart: boolean;
}
