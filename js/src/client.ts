import { Channel } from "./channel.js";
import { Connection } from "./connection.js";
import type { Dialect } from "./dialect.js";
import { checkChannelName, checkChannelOptions, checkCloseOptions, checkOptions } from "./options.js";
import { closed } from "./publications.js";
import type { ChannelOptions, CloseOptions, Diagnostic, Options, State, Stats } from "./types.js";
import { webSocketUrl } from "./url.js";

/** The events of a client. */
export type ClientEvents = {
  /** The connection's state changed. */
  state: (state: State) => unknown;
  /** An error that concerns no single channel. The client continues. */
  error: (error: unknown) => unknown;
};

/** A connection to a server, which reconnects until it is closed. Create one with `connect`. */
export class Client {
  #connection: Connection;

  /** @internal */
  constructor(url: string | URL, options: Options, seamline: Dialect) {
    checkOptions(options);
    // A copy: the application may change its own later.
    this.#connection = new Connection(webSocketUrl(url), { ...options }, seamline);
  }

  /** The state of the connection. */
  get state(): State {
    return this.#connection._status._state;
  }

  /** Adds a listener for an event. The returned function removes it. */
  on<E extends keyof ClientEvents>(event: E, listener: ClientEvents[E]): () => void {
    return this.#connection._status._events.on(event, listener);
  }

  /**
   * Returns a new handle of a channel. Handles of one name share a subscription, which begins when the first of them
   * listens; see {@link Channel}. Close each handle that listens when you no longer need it.
   */
  channel<T = unknown>(name: string, options: ChannelOptions = {}): Channel<T> {
    checkChannelOptions(options);
    checkChannelName(name);
    if (this.#connection._closing) throw closed("client");
    return new Channel<T>(name, options, this.#connection);
  }

  /** The counters so far. */
  stats(): Stats {
    return this.#connection._stats();
  }

  /**
   * The recent history of the connection and the page, oldest first: the last 200 states with their reasons, and page
   * events. It can be serialized as JSON and contains no messages. Attach it to a bug report.
   */
  diagnostics(): readonly Diagnostic[] {
    return this.#connection._status._diagnostics;
  }

  /**
   * Closes the client for good: acknowledges processed messages, ends all channels and fails unanswered publications.
   * Resolves when the client is closed. With `flushMs`, unanswered publications have that much time to get an answer:
   * channels end and new publications are rejected at once, and the client closes as soon as no publication waits. The
   * log may have stored a publication that fails with `closed`.
   */
  close(options: CloseOptions = {}): Promise<void> {
    checkCloseOptions(options);
    return this.#connection._close(options.flushMs);
  }
}
