// The entry `seamline/history`.
import type { Channel } from "../channel.js";
import type { Connection } from "../connection.js";
import type { Message } from "../types.js";
import { checkArguments } from "./arguments.js";
import { Reader } from "./reader.js";
import type { History, HistoryOptions } from "./types.js";

export type * from "./types.js";

const LIMIT = 50;

/**
 * Reads messages of the past over the client's connection, for example when a chat scrolls up. The handle and its
 * position stay as they are, and need no listener.
 *
 * ```ts
 * const room = client.channel("room-1", { from: "tail" });
 * const { messages, isStart } = await history(room, { limit: 50 }); // the 50 before the handle began
 * const older = await history(room, { before: messages[0].offset });
 * ```
 *
 * Waits for the connection, and for the next one if it breaks. Rejects with a {@link SeamlineError}: `closed` if the
 * handle or the client is closed or `signal` is aborted, `not_supported` if the server does not announce the feature
 * `read`, `epoch_changed` if the log was replaced since the handle began, and with the server's code if it rejects the
 * request, such as `forbidden` or `unknown_channel`.
 */
export async function history<T, C>(channel: Channel<T, C>, options: HistoryOptions = {}): Promise<History<T>> {
  checkArguments(channel, options);
  const { limit = LIMIT, signal } = options;
  const connection = channel._port as Connection;
  const { _began, _position } = channel._dispatcher;
  const epoch = _position?.epoch;
  // A log that replaced the one where the handle began was delivered from its start.
  if (options.before === undefined && _began?.epoch !== epoch) return { messages: [], isStart: true };
  const messages: Message<T>[] = [];
  let before = options.before ?? (_began && _began.offset + 1);
  while (messages.length < limit) {
    if (channel._dispatcher._ended) throw connection.error("closed", "cannot read history: the channel is closed");
    const answer = await Reader.of(connection).read(channel.name, before, limit - messages.length, signal);
    if (answer.name !== "page") throw answer; // the reader has turned the others into errors
    if (answer.epoch !== epoch && epoch !== undefined) {
      throw connection.error("epoch_changed", `cannot read history: the log of channel "${channel.name}" was replaced`);
    }
    const isBeyond = before !== undefined && answer.messages.some(({ offset }) => offset >= before!);
    if (isBeyond) throw connection.error("bad_frame", "cannot read history: the server sent messages after `before`");
    messages.unshift(...answer.messages);
    before = messages[0]?.offset;
    if (answer.messages.length === 0 || before! <= answer.first) return { messages, isStart: true };
  }
  return { messages, isStart: false };
}
