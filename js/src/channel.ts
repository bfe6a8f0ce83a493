import { Dispatcher } from "./dispatcher.js";
import { type Disposes, dispose } from "./disposal.js";
import { iterate } from "./iterator.js";
import { checkPublishOptions } from "./options.js";
import { closed, type Promised } from "./publications.js";
import { randomName } from "./random.js";
import type { Subscription } from "./subscription.js";
import type {
  ChannelOptions,
  Gap,
  ListenerOptions,
  Logger,
  Message,
  Position,
  PublishOptions,
  StateSource,
} from "./types.js";
import { VERSION } from "./version.js";

/**
 * The events of a channel. A `message`, `batch` or `gap` listener may return a promise: the channel waits for it. `T` is
 * the type of a message's payload, `C` that of a cast's, `X` that of a transaction.
 */
export type ChannelEvents<T, C = unknown, X = never> = {
  /** A message: each once, in order. `transaction` is that of {@link ChannelOptions.transaction}. */
  message: (message: Message<T>, transaction: X) => unknown;
  /**
   * The same messages, in one call for those that arrived together or waited, at most 1,000. They count as processed
   * when the returned promise settles. If there are `message` listeners, too, each message is emitted to them after
   * that, and then counts as processed.
   */
  batch: (messages: readonly Message<T>[], transaction: X) => unknown;
  /**
   * Messages are lost. Emitted before any later message, and only if something listens to messages. With a
   * {@link ChannelOptions.transaction}, it may come again after a reload, until a later message has committed.
   */
  gap: (gap: Gap) => unknown;
  /** An ephemeral event. Its data is what others sent: nothing checks that it is a `C`. */
  cast: (data: C) => unknown;
  /**
   * The replay has reached the live stream: the channel is up to date. Emitted again after each reconnect, but not
   * after a replay for another handle.
   */
  live: () => unknown;
  /**
   * A listener failed with `message`, its payload is invalid (`invalid_data`), or the server rejected something. There
   * is no `message` if a `batch` listener failed.
   */
  error: (error: unknown, message?: Message<T>) => unknown;
};

/** What a handle needs from its client. @internal */
export interface ChannelPort {
  _logger: Required<Logger>;
  /** The subscription that all handles share; undefined if the client is closed. */
  _subscription(name: string): Subscription | undefined;
  _publish(promised: Promised, data: unknown, isHandleClosed: boolean): void;
  _cast(name: string, data: unknown): void;
}

/** What `using` needs. */
// biome-ignore lint/correctness/noUnusedVariables: it must be declared as the class is
export interface Channel<T, C, X> extends Disposes {}

/**
 * A handle of a channel, with its own listeners, position and `close()`. All handles of a name share one subscription. It
 * begins when the first of them listens, and ends 1 s after the last one that listens is closed. A handle without `from`
 * that begins to listen within that second continues after the last message that the closed one has processed.
 *
 * A message counts as processed, and {@link Channel.position} advances, when every listener has returned, every promise
 * that a listener returned has settled, and every iterator has requested the next message. The client acknowledges to
 * the server what every handle has processed. If a handle falls `queueMessages` behind, the others wait for it.
 *
 * A handle receives messages from its first `message` or `batch` listener or iterator on, beginning at its start point. If
 * its last listener is removed, messages wait for the next one. Close a handle that you no longer need, because it
 * delays the others.
 *
 * A handle that listens only to `cast`, `live` or `gap` requests no messages. While no handle of the name requests
 * messages, none are fetched or acknowledged, no gaps are detected, and casts and `live` arrive at once, whatever
 * `from` is. If another handle requests messages, both share its subscription, and casts wait for a replay. Listeners
 * that are added in one turn of the event loop count as added together.
 *
 * `using` closes a handle at the end of the block.
 */
// biome-ignore lint/suspicious/noUnsafeDeclarationMerging: a class has no members that only some compilers know
export class Channel<T = unknown, C = unknown, X = never> implements AsyncIterable<Message<T>> {
  /** The channel's name. */
  readonly name: string;
  /** The version of the package that it is of. @internal */
  declare readonly seamline: string;
  /** @internal */
  _port: ChannelPort;
  /** @internal */
  _dispatcher: Dispatcher<T, C>;

  /** @internal */
  constructor(name: string, options: ChannelOptions<T, X>, port: ChannelPort) {
    this.name = name;
    this._port = port;
    this._dispatcher = new Dispatcher<T, C>(name, options, port._logger);
    (options.from as Partial<StateSource> | undefined)?._attach?.(this as never);
    options.transaction?._attach(this, options);
  }

  /** Everything up to here was processed. Pass it as `from` to continue here. Unknown before the server answers. */
  get position(): Position | undefined {
    const position = this._dispatcher._position;
    return position && { ...position };
  }

  /** The id of the last processed message, if it is known. */
  get lastMessageId(): string | undefined {
    return this._dispatcher._position?.id;
  }

  /**
   * Resolves when this handle is live for the first time: its replay is over, and what came with it is processed. Like
   * a `live` listener, it makes the handle listen; see {@link Channel}. Rejects with the code `closed` if the handle or
   * the client is or gets closed, and with the server's error if the server rejects the subscription first. The client
   * subscribes again when that may help, so you may call `ready()` again.
   */
  ready(): Promise<void> {
    const { _onEnd, _onRejected, _wasLive } = this._dispatcher;
    return new Promise((resolve, reject) => {
      const settle = (error?: unknown) => {
        off();
        _onEnd.delete(end);
        _onRejected.delete(settle);
        if (error) reject(error);
        else resolve();
      };
      const end = () => settle(closed("channel"));
      const off = this.once("live", () => settle());
      if (this._dispatcher._ended) return end();
      if (_wasLive) return settle();
      _onEnd.add(end);
      _onRejected.add(settle);
    });
  }

  /**
   * Adds a listener for an event. The returned function removes it, and so does `signal`. Throws a
   * {@link SeamlineError}: `bad_event`, `bad_listener` or `bad_option` for an invalid argument, and
   * `not_supported` as described at {@link ChannelOptions.from}.
   */
  on<E extends keyof ChannelEvents<T, C, X>>(
    event: E,
    listener: ChannelEvents<T, C, X>[E],
    options?: ListenerOptions,
  ): () => void {
    return this.#on(event, listener, options);
  }

  /**
   * As {@link Channel.on}, for the next event only: the listener is removed before it is called. A message on which it
   * fails is not dispatched to it again.
   */
  once<E extends keyof ChannelEvents<T, C, X>>(
    event: E,
    listener: ChannelEvents<T, C, X>[E],
    options?: ListenerOptions,
  ): () => void {
    return this.#on(event, listener, options, true);
  }

  /**
   * Publishes a message. The promise resolves when the log has stored it. Until then the client sends it again on each
   * new connection, under the same idempotency key, and the log stores one message per key. The promise rejects if the
   * server rejects the message, or if the client is closed first. The error names the channel and the key.
   */
  publish(data: T, options: PublishOptions = {}): Promise<{ id: string; offset: number }> {
    // One promise for each of many publications. It rejects with what is thrown in here.
    return new Promise((_resolve, _reject) => {
      checkPublishOptions(options);
      const promised = { _name: this.name, _key: options.key ?? randomName(), _resolve, _reject };
      this._port._publish(promised, data, this._dispatcher._ended);
    });
  }

  /**
   * Sends an ephemeral event to the channel's other subscribers. It is dropped if it cannot be sent at once. Throws if
   * JSON cannot represent the data, or if it is larger than the server accepts.
   */
  cast(data: C): void {
    if (!this._dispatcher._ended) this._port._cast(this.name, data);
  }

  /**
   * Closes this handle: it emits no further events, and its iterators end. Other handles of the channel continue. The
   * subscription ends 1 s after the last handle that listens.
   */
  close(): void {
    this._dispatcher._end();
  }

  /** Iterates over the messages. Each counts as processed when the next one is requested, or when the loop ends. */
  [Symbol.asyncIterator](): AsyncIterableIterator<Message<T>> {
    this._join(true);
    return iterate(this._dispatcher);
  }

  #on<E extends keyof ChannelEvents<T, C>>(
    event: E,
    listener: ChannelEvents<T, C, X>[E],
    options?: ListenerOptions,
    once?: boolean,
  ): () => void {
    // Only a transaction calls it with one.
    const own = listener as ChannelEvents<T, C, never>[E] as ChannelEvents<T, C, void>[E];
    const off = this._dispatcher._events.on(event, own, options, once);
    if (options?.signal?.aborted) return off;
    const isForMessages = event === "message" || event === "batch";
    try {
      if (event !== "error") this._join(isForMessages);
    } catch (error) {
      off();
      throw error;
    }
    if (isForMessages) this._dispatcher._run();
    return off;
  }

  /** Listens, with `messages` also to those. @internal */
  _join(messages: boolean): void {
    if (this._dispatcher._ended) return;
    const subscription = this._port._subscription(this.name);
    if (subscription) subscription._join(this._dispatcher, messages);
    else this._dispatcher._end();
  }

  static {
    Object.assign(Channel.prototype, { [dispose]: Channel.prototype.close, seamline: VERSION });
  }
}
