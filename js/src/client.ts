import { Channel } from "./channel.js";
import { Connection, type Setup } from "./connection.js";
import type { Dialect } from "./dialect.js";
import { asyncDispose, type DisposesAsync } from "./disposal.js";
import { SeamlineError } from "./error.js";
import { checkChannelName, checkChannelOptions, checkCloseOptions, checkOptions, settings } from "./options.js";
import { closed, type Joins } from "./publications.js";
import { randomName } from "./random.js";
import { Status } from "./status.js";
import type { AnyOptions } from "./transaction.js";
import type {
  ChannelOptions,
  CloseOptions,
  Diagnostic,
  ListenerOptions,
  Options,
  Outbox,
  State,
  Stats,
  UrlLike,
} from "./types.js";
import { webSocketUrl } from "./url.js";

/** The events of a client. */
export type ClientEvents = {
  /** The connection's state changed. */
  state: (state: State) => unknown;
  /** An error that concerns no single channel. The client continues. */
  error: (error: unknown) => unknown;
};

/** What `await using` needs. */
export interface Client extends DisposesAsync {}

/**
 * A connection to a server, which reconnects until it is closed. Create one with `connect`. `await using` closes
 * it at the end of the block.
 */
// biome-ignore lint/suspicious/noUnsafeDeclarationMerging: a class has no members that only some compilers know
export class Client {
  /** The publications that the log does not have yet, if the option `storage` is set. */
  readonly outbox: Outbox | undefined;
  #setup: Setup;
  #status: Status;
  /** A new one after each `connect()`. */
  #connection: Connection;

  /** @internal */
  constructor(url: string | UrlLike, options: Options, seamline: Dialect) {
    checkOptions(options);
    const { clientId, logger, storage } = options;
    this.#status = new Status(logger);
    const _outbox = storage?.attach(this.#status, options, SeamlineError) as (Outbox & Joins) | undefined;
    this.outbox = _outbox;
    this.#setup = {
      _url: webSocketUrl(url),
      // Copies: the application may change its own later.
      _options: { ...options },
      _settings: settings(options),
      _seamline: seamline,
      _status: this.#status,
      _clientId: clientId ?? randomName(),
      _load: clientId && randomName().slice(16),
      _outbox,
      _left: new Map(),
    };
    this.#connection = new Connection(this.#setup);
  }

  /** The state of the connection. */
  get state(): State {
    return this.#status._state;
  }

  /**
   * Resolves when the connection is open: at once, if it is open now. Attempts that fail do not matter. Rejects with the
   * code `closed` if the client is or gets closed; the error's `cause` is the {@link Reason}.
   */
  ready(): Promise<void> {
    return new Promise((resolve, reject) => {
      const settle = () => {
        const { state } = this;
        if (state.name === "closed") reject(closed("client", state.reason));
        else if (this.#connection._closing) reject(closed("client"));
        else if (state.name === "open") resolve();
        else return;
        off();
      };
      const off = this.on("state", settle);
      settle();
    });
  }

  /** Adds a listener for an event. The returned function removes it, and so does `signal`. */
  on<E extends keyof ClientEvents>(event: E, listener: ClientEvents[E], options?: ListenerOptions): () => void {
    return this.#status._events.on(event, listener, options);
  }

  /** As {@link Client.on}, for the next event only: the listener is removed before it is called. */
  once<E extends keyof ClientEvents>(event: E, listener: ClientEvents[E], options?: ListenerOptions): () => void {
    return this.#status._events.on(event, listener, options, true);
  }

  /**
   * Returns a new handle of a channel. Handles of one name share a subscription, which begins when the first of them
   * listens; see {@link Channel}. Close each handle that listens when you no longer need it.
   *
   * `T` is the type of the payloads. It is that of the schema's output if the option `validate` is set. `C` is the type
   * of ephemeral events. `X` is the type of the {@link ChannelOptions.transaction}.
   */
  channel<T = unknown, C = unknown, X = never>(name: string, options?: ChannelOptions<T, X>): Channel<T, C, X>;
  /** With a type for the payloads, TypeScript infers none for the transaction: annotate the listener's argument. */
  // biome-ignore lint/suspicious/noExplicitAny: only that accepts every annotation
  channel<T, C = unknown>(name: string, options: ChannelOptions<T, any>): Channel<T, C, any>;
  channel<T, C, X>(name: string, options: ChannelOptions<T, X> = {}): Channel<T, C, X> {
    checkChannelOptions(options);
    checkChannelName(name);
    if (this.#connection._closing) throw closed("client");
    const { positions: transaction } = this.#setup._options;
    return new Channel<T, C, X>(name, { transaction, ...options } as AnyOptions, this.#connection);
  }

  /** The counters so far, of all connections of this client. */
  stats(): Stats {
    return this.#connection._stats();
  }

  /**
   * The recent history of the connection and the page, oldest first: the last 200 states with their reasons, and page
   * events. It can be serialized as JSON and contains no messages. Attach it to a bug report.
   */
  diagnostics(): readonly Diagnostic[] {
    return this.#status._diagnostics;
  }

  /**
   * Closes the client: acknowledges processed messages, ends all channels and fails unanswered publications. Resolves
   * when the client is closed. With `flushMs`, unanswered publications have that much time to get an answer: channels
   * end and new publications are rejected at once, and the client closes as soon as no publication waits. The log may
   * have stored a publication that fails with `closed`.
   */
  close(options: CloseOptions = {}): Promise<void> {
    checkCloseOptions(options);
    return this.#connection._close(options.flushMs);
  }

  /**
   * Opens a closed client again, at once. A client that is not closed stays as it is. While `close({ flushMs })` waits
   * for publications, `connect()` cancels the close: the connection stays, and so do the publications.
   *
   * The client is the same as before: its listeners, client id, counters and diagnostics continue, and it calls the
   * token function as for the first connection. Handles that were created before the close stay closed; create new
   * ones. Without `from`, they continue after the last message that the last of the earlier ones processed. If another
   * user has logged in, create a new client: this one would continue where the earlier user was.
   *
   * If the client ended by itself (`unauthorized`, `wasm_failed` and others), fix the cause first: there is no delay
   * before this attempt.
   */
  connect(): void {
    const connection = this.#connection;
    if (connection._stay()) return;
    connection._end();
    this.#status._reopen();
    this.#connection = new Connection(this.#setup, connection._stats());
  }

  static {
    Object.assign(Client.prototype, { [asyncDispose]: Client.prototype.close });
  }
}
