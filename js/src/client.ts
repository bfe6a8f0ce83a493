import { Channel } from "./channel.js";
import { Connection } from "./connection.js";
import { checkChannelName, checkChannelOptions, checkCloseOptions, checkOptions } from "./options.js";
import { closed } from "./publications.js";
import type { ChannelOptions, CloseOptions, Diagnostic, Options, State, Stats } from "./types.js";
import { webSocketUrl } from "./url.js";

/** The events of a client. */
export type ClientEvents = {
  /** The connection's state changed. */
  state: (state: State) => unknown;
  /** Something went wrong that concerns no single channel; the client continues. */
  error: (error: unknown) => unknown;
};

/** A connection to a server, kept up until it is closed. Make one with {@link connect}. */
export class Client {
  #connection: Connection;

  /** @internal */
  constructor(url: string | URL, options: Options) {
    checkOptions(options);
    // A copy: the application may change its own later.
    this.#connection = new Connection(webSocketUrl(url), { ...options });
  }

  /** The state of the connection. */
  get state(): State {
    return this.#connection._status._state;
  }

  /** Listens to an event; the returned function removes the listener. */
  on<E extends keyof ClientEvents>(event: E, listener: ClientEvents[E]): () => void {
    return this.#connection._status._events.on(event, listener);
  }

  /**
   * A handle of a channel, each call another one. Handles of one name share a subscription, which begins when the
   * first of them listens; see {@link Channel}. Close each handle that listens when you no longer need it.
   */
  channel<T = unknown>(name: string, options: ChannelOptions = {}): Channel<T> {
    checkChannelOptions(options);
    checkChannelName(name);
    if (this.#connection._closing) throw closed("client");
    return new Channel<T>(name, options, this.#connection);
  }

  /** What was counted so far. */
  stats(): Stats {
    return this.#connection._stats();
  }

  /**
   * What happened to the connection and to the page recently, oldest first: the last 200 states, with their
   * reasons, and page events. It can be written as JSON and contains no messages: attach it to a bug report.
   */
  diagnostics(): readonly Diagnostic[] {
    return this.#connection._status._diagnostics;
  }

  /**
   * Closes for good: acknowledges what was processed, ends all channels, fails what waits to be published. Resolves
   * when the client is closed. With `flushMs`, publications without an answer have that long to get one: channels
   * end and new publications are refused at once, and the client is closed as soon as nothing waits. A publication
   * that fails with `closed` may be in the log all the same.
   */
  close(options: CloseOptions = {}): Promise<void> {
    checkCloseOptions(options);
    return this.#connection._close(options.flushMs);
  }
}
