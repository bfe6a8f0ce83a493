import { Dispatcher } from "./dispatcher.js";
import { iterate } from "./iterator.js";
import { checkPublishOptions } from "./options.js";
import type { Published } from "./publications.js";
import type { Subscription } from "./subscription.js";
import type { ChannelOptions, Gap, Logger, Message, Position } from "./types.js";

/** The events of a channel. A `message` or `gap` listener may return a promise: the channel waits for it. */
export type ChannelEvents<T> = {
  /** A message, once, in order. */
  message: (message: Message<T>) => unknown;
  /** Messages are lost; emitted before anything that comes after them, and only where messages are listened to. */
  gap: (gap: Gap) => unknown;
  /** An ephemeral event, as it comes. */
  cast: (data: unknown) => unknown;
  /** The replay has met the live stream: the channel is up to date. Again after each reconnect. */
  live: () => unknown;
  /** A listener failed with `message`, or the server refused something. */
  error: (error: unknown, message?: Message<T>) => unknown;
};

/** What a handle needs of its client. @internal */
export interface ChannelPort {
  _logger: Logger;
  /** The subscription that all handles share; none when the client is closed. */
  _subscription(name: string): Subscription | undefined;
  _publish(name: string, data: unknown, key: string | undefined, isHandleClosed: boolean): Promise<Published>;
  _cast(name: string, data: unknown): void;
}

/**
 * A handle of one channel of a client, with listeners, a position and an end of its own. All handles of a name
 * share one subscription, which begins when the first of them listens and ends when the last one that listens
 * is closed.
 *
 * A message counts as processed, and {@link Channel.position} moves, when every listener has returned, every
 * promise that a listener returned is settled, and every iterator has asked for the next message. What is
 * acknowledged to the server is what every handle has processed. The slowest handle sets the pace: when it is
 * `queueMessages` behind, the others wait for it.
 *
 * A handle gets messages from its first `message` listener or iterator on, beginning at its start point; when it has
 * none left, they wait for the next one. Close a handle that you no longer need: it holds the others up.
 *
 * A handle that listens only to `cast`, `live` or `gap` asks for no messages. As long as no handle of the name does, none
 * are fetched or acknowledged, no gaps are looked for, and casts and `live` come at once, whatever `from` says. Beside a
 * handle that does, they share its subscription, where casts wait for a replay. Listeners that are added in one turn of
 * the event loop count as added together.
 */
export class Channel<T = unknown> implements AsyncIterable<Message<T>> {
  /** The channel's name. */
  readonly name: string;
  #port: ChannelPort;
  #dispatcher: Dispatcher<T>;

  /** @internal */
  constructor(name: string, options: ChannelOptions, port: ChannelPort) {
    this.name = name;
    this.#port = port;
    this.#dispatcher = new Dispatcher<T>(name, options, port._logger);
  }

  /** Everything up to here was processed; pass it as `from` to go on here. Not known before the server answers. */
  get position(): Position | undefined {
    const position = this.#dispatcher._position;
    return position && { ...position };
  }

  /** The id of the last message that was processed, where it is known. */
  get lastMessageId(): string | undefined {
    return this.#dispatcher._position?.id;
  }

  /**
   * Listens to an event; the returned function stops that. Throws a {@link SeamlineError}: `bad_event` or
   * `bad_listener` for what cannot be listened to, and `already_subscribed` as described at
   * {@link ChannelOptions.from}.
   */
  on<E extends keyof ChannelEvents<T>>(event: E, listener: ChannelEvents<T>[E]): () => void {
    const off = this.#dispatcher._events.on(event, listener);
    try {
      if (event !== "error") this.#join(event === "message");
    } catch (error) {
      off();
      throw error;
    }
    if (event === "message") this.#dispatcher._run();
    return off;
  }

  /**
   * Publishes a message. The promise is resolved when the log has it; until then it is sent again on
   * each new connection, under the same idempotency key, of which the log stores one. It is rejected when the
   * message is refused, or the client is closed first; the error names the channel and the key.
   */
  async publish(data: unknown, options: { key?: string } = {}): Promise<{ id: string; offset: number }> {
    checkPublishOptions(options);
    return this.#port._publish(this.name, data, options.key, this.#dispatcher._ended);
  }

  /**
   * Sends an ephemeral event to the others who are here now. It is dropped where it cannot go at once.
   * Throws for what JSON cannot hold, and for what is larger than the server takes.
   */
  cast(data: unknown): void {
    if (!this.#dispatcher._ended) this.#port._cast(this.name, data);
  }

  /**
   * Closes this handle: it emits no further events, and its iterators end. Other handles of the channel go on;
   * the subscription ends with the last one that listens.
   */
  close(): void {
    this.#dispatcher._end();
  }

  /**
   * The messages, one after the other; each counts as processed when the next one is asked for, or when the
   * loop is left.
   */
  [Symbol.asyncIterator](): AsyncIterableIterator<Message<T>> {
    this.#join(true);
    return iterate(this.#dispatcher);
  }

  #join(messages: boolean): void {
    if (this.#dispatcher._ended) return;
    const subscription = this.#port._subscription(this.name);
    if (subscription) subscription._join(this.#dispatcher, messages);
    else this.#dispatcher._end();
  }
}
