import { type Answer, Call, type CreateEngine, type Frame, type Host, Kind, Result } from "./boundary.js";
import { Calls } from "./calls.js";
import type { ChannelPort } from "./channel.js";
import type { Dialect } from "./dialect.js";
import { beginEarly, type Early } from "./early.js";
import { SeamlineError, text } from "./error.js";
import { follow } from "./follow.js";
import { readFrame } from "./frames.js";
import { guard } from "./guard.js";
import { textOf } from "./known.js";
import { watchLifecycle } from "./lifecycle.js";
import { type Lineage, lineageOf } from "./lineage.js";
import { isLoaded, type Loading, loadWithRetries } from "./load.js";
import { toJson } from "./payload.js";
import { closed, type Joins, type Promised, Publications } from "./publications.js";
import type { SharedConnection } from "./shared.js";
import { openSocket, type Socket } from "./socket.js";
import type { Status } from "./status.js";
import type { Subscription } from "./subscription.js";
import { Subscriptions } from "./subscriptions.js";
import { allowed } from "./text.js";
import { fetchToken } from "./token.js";
import type { Gap, Logger, Options, Position, Reason, State, Stats, WebSocketConstructor } from "./types.js";

/** What all connections of a client have in common. */
export interface Setup {
  readonly _url: string;
  readonly _options: Options;
  /** Those that the wasm reads. */
  readonly _settings: readonly unknown[];
  /** The default dialect. */
  readonly _seamline: Dialect;
  readonly _status: Status;
  readonly _clientId: string;
  /** The name of this page load, if the application chose the client id. */
  readonly _load: string | undefined;
  readonly _outbox: Joins | undefined;
  /** What the last handle of a channel had processed. */
  readonly _left: Map<string, Position>;
}

/** The end of a connection, from the moment on when it accepts nothing new. */
interface Closing {
  readonly _done: Promise<void>;
  _resolve(): void;
  /** Runs while publications without an answer are waited for. */
  _timer?: ReturnType<typeof setTimeout> | undefined;
  /** The final counts, once it has ended. */
  _stats?: Stats;
}

/**
 * What a client does from `connect()` to `close()`: it makes calls into the wasm, performs what the wasm requests, and
 * dispatches what it reports.
 */
export class Connection implements ChannelPort, Loading, Host {
  readonly _status: Status;
  /** The newest socket. For entries. */
  _socket: Socket | undefined;
  #closing: Closing | undefined;
  #setup: Setup;
  /** The counts of the client's connections before this one. */
  #before: Stats | undefined;
  #calls = new Calls();
  #subscriptions: Subscriptions;
  #publications: Publications;
  /** The length of all received text. */
  #bytes = 0;
  #lineage: Lineage | undefined;
  /** This client's part in a connection of several tabs. */
  #shared: SharedConnection | undefined;
  /** What was begun for the first attempt while the wasm loads. */
  #early: Early | undefined;
  /** The one timer that the wasm sets. */
  #timer: ReturnType<typeof setTimeout> | undefined;
  #stopWatching = () => {};
  #lifecycle = (event: string, call: Call) => {
    this._status._record({ event });
    // Again, because a page restored from the back/forward cache is not the newest name there.
    if (call !== Call.Wake) this.#lineage?._names();
    this.#calls._call(call);
  };
  /** Stops waiting for the wasm or for a token; only one of them is pending at a time. */
  #stopWaiting = () => {};

  constructor(setup: Setup, before?: Stats) {
    const { _options, _seamline, _clientId, _load } = setup;
    this.#setup = setup;
    this.#before = before;
    this._status = setup._status;
    const { token, dialect = "seamline" } = _options;
    const isSeamline = dialect === "seamline";
    this.#subscriptions = new Subscriptions(this.#calls, isSeamline, setup._left);
    this.#publications = new Publications(this.#calls, _options.outboxMessages);
    setup._outbox?._join(this.#publications);
    if (_load) this.#lineage = lineageOf(_clientId, _load);
    this.#shared = _options.shared?._join(setup, this.#lifecycle);
    // In the plain dialect, the URL has a query that the wasm writes.
    if (isSeamline && !isLoaded(_seamline)) this.#early = beginEarly(() => this.#webSocket(setup._url), token);
    this.#stopWaiting = loadWithRetries(_options, _seamline, this);
  }

  get _logger(): Required<Logger> {
    return this._status._logger;
  }

  /** Whether nothing new is accepted. */
  get _closing(): boolean {
    return this.#closing !== undefined;
  }

  _subscription(name: string): Subscription | undefined {
    return this._closing ? undefined : this.#subscriptions._of(name);
  }

  _publish(promised: Promised, data: unknown, isHandleClosed: boolean): void {
    const payload = toJson(data); // first: it may close the client
    const what = isHandleClosed ? "channel" : this._closing && "client";
    this.#publications._publish(promised, payload, what && closed(what));
  }

  _cast(name: string, data: unknown): void {
    const { _json, _size } = toJson(data);
    if (this._closing) return;
    const answer = this.#calls._call(Call.Cast, 0, allowed(name), "", _size, 0, _json);
    if (answer instanceof SeamlineError) throw answer;
  }

  _stats(): Stats {
    return { ...(this.#closing?._stats ?? this.#count()), ...this.#shared?._stats };
  }

  #count(): Stats {
    const names = "connects received delivered duplicates discarded repairs gaps published bytes".split(" ");
    const own = (name: string, place: number) => (name === "bytes" ? this.#bytes : this.#calls._call(Call.Stat, place));
    const count = (name: string, place: number) =>
      ((own(name, place) as number | undefined) ?? 0) + ((this.#before?.[name as keyof Stats] as number) ?? 0);
    return Object.fromEntries(names.map((name, place) => [name, count(name, place)])) as never;
  }

  _close(flushMs = 0): Promise<void> {
    const closing = (this.#closing ??= startClosing());
    // First, because inside a handler the wasm reports the end only after the current frame.
    this.#subscriptions._end();
    const close = () => {
      stopTimer(closing);
      if (this.#calls._ready) this.#calls._call(Call.Close);
      else this._end();
    };
    if (flushMs && this.#publications._unanswered) {
      stopTimer(closing);
      this.#publications._onEmpty = close;
      closing._timer = setTimeout(close, flushMs);
    } else close();
    return closing._done;
  }

  /** Cancels a close that still waits for publications. Returns whether the connection stays. */
  _stay(): boolean {
    const closing = this.#closing;
    if (closing?._timer) {
      stopTimer(closing);
      this.#publications._onEmpty = () => {};
      this.#closing = undefined;
      closing._resolve();
    }
    return !this._closing;
  }

  _waiting(attempt: number, retryAt: number, reason: Reason): void {
    this.#early?._end(); // it belonged to this attempt
    this.#set({ name: "waiting", attempt, retryAt, reason });
  }

  /** Later, so that a listener that opens the client again and again does not stop the page. */
  _failed(reason: Reason): void {
    const timer = setTimeout(() => {
      this._logger.error("seamline:", reason.message);
      this._end(reason);
    });
    this.#stopWaiting = () => clearTimeout(timer);
  }

  /** Ignored after the end: by then the next connection may have a state. */
  #set(state: State): void {
    if (!this.#closing?._stats) this._status._set(state);
  }

  _loaded(create: CreateEngine): void {
    const { _url, _clientId, _options, _settings } = this.#setup;
    const names = this.#lineage?._names();
    const hasToken = _options.token !== undefined;
    this.#calls._arguments = [_url, _clientId, 0, 0, names, "", 0, 0, ..._settings];
    const engine = create(hasToken, this);
    this.#stopWatching = watchLifecycle(this.#lifecycle);
    // First, so that the connection is made with what is known.
    this.#calls._attach(engine);
    this.#calls._call(Call.Connect);
  }

  argument(place: number): unknown {
    return this.#calls._arguments[place];
  }

  /** Creates an error. The server may have sent no message. For entries, too. */
  error(code: string, message = ""): SeamlineError {
    return new SeamlineError(code, message);
  }

  socket(id: number, url: string): Socket | string {
    const socket = this.#early?._socket() ?? openSocket(() => this.#webSocket(url));
    if (typeof socket === "object") {
      this._socket = socket;
      socket._start((kind, reason, code, data) => {
        if (kind === Call.SocketMessage) return this._receive(id, data) !== Result.Repeat;
        return this.#calls._call(kind, id, reason, "", code) !== Result.Repeat;
      });
    }
    return socket;
  }

  #webSocket(url: string): InstanceType<WebSocketConstructor> {
    const { dialect = "seamline", WebSocket: Own } = this.#setup._options;
    return this.#shared?._open() ?? new (Own ?? WebSocket)(url, dialect === "seamline" ? "seamline.v1" : undefined);
  }

  /** A frame has arrived. An entry may take the place of this. */
  _receive(id: number, data: unknown): Answer {
    this._socket!._first ??= data;
    const answer =
      (this.#setup._options.dialect ?? "seamline") === "seamline"
        ? this.#calls._call(...readFrame(id, data))
        : this.#calls._call(Call.SocketMessage, id, "", "", 0, 0, data);
    if (typeof data === "string" && answer !== Result.Repeat) this.#bytes += data.length;
    return answer;
  }

  /** An exception would leave the wasm in the middle of something. */
  emit(...[kind, id, a, b, ...rest]: Parameters<Host["emit"]>): void {
    void guard(
      () => this.#emit(kind, id, textOf(a), textOf(b), ...rest),
      (error) => this._logger.error("seamline:", error),
    );
  }

  #emit(kind: Kind, id: number, a: string, b: string, x: number, y: number, z: number, value: unknown): void {
    const subscription = this.#subscriptions._get(id);
    switch (kind) {
      case Kind.Connecting:
        return this.#set({ name: "connecting" });
      case Kind.Open:
        return this.#set({ name: "open" });
      case Kind.Waiting:
        return this._waiting(x, Date.now() + y, reasonOf(a, b, z));
      case Kind.Closed:
        return this._end(reasonOf(a, b, z));
      case Kind.Attached:
        return subscription?._attached({ epoch: a, offset: x });
      case Kind.Deliver:
        return subscription?._deliver(value as Frame, x);
      case Kind.DeliverObject:
        return subscription?._deliver({ n: x, ids: [a], data: [value], replay: y === 1 }, 0, b);
      case Kind.Gap: {
        const gap: Gap = { from: x, reason: a as Gap["reason"], ...(y && { to: y }) };
        return subscription?._gap(gap, { epoch: b, offset: z });
      }
      case Kind.Live:
        return subscription?._live();
      case Kind.Cast:
        return subscription?._cast(value);
      case Kind.Published:
        return this.#publications._answered(id, { id: a, offset: x });
      case Kind.PublishFailed:
        return this.#publications._answered(id, this.error(a, b));
      case Kind.Error:
        return (subscription ?? this._status)._error(this.error(a, b));
      case Kind.Refused:
        this.#calls._refusal = this.error(a, b);
        return;
      case Kind.Timer:
        clearTimeout(this.#timer);
        if (y) this.#timer = setTimeout(() => this.#calls._call(Call.Timeout), x);
        return;
      case Kind.FetchToken:
        return this.#fetchToken(id, x === 1);
    }
  }

  #fetchToken(id: number, refresh: boolean): void {
    this.#stopWaiting = follow(
      (!refresh && this.#early?._token()) || fetchToken(this.#setup._options.token, refresh),
      (token) => this.#calls._call(Call.Token, id, token),
      (error) => this.#calls._call(Call.TokenFailed, id, `the token function failed: ${text(error)}`),
    );
  }

  /** Ends it, once: inside a handler also before the wasm has reported that. */
  _end(reason: Reason = { code: "closed_by_application", message: "closed by the application" }): void {
    const closing = (this.#closing ??= startClosing());
    if (closing._stats) return;
    closing._stats = this.#count();
    stopTimer(closing);
    this.#stopWatching();
    this.#stopWaiting();
    this.#early?._end();
    this.#shared?._end();
    this.#lineage?._end();
    this._status._set({ name: "closed", reason });
    this.#subscriptions._end();
    // Publications that still wait for the wasm fail here; the wasm has failed the others.
    this.#calls._flush();
    closing._resolve();
    this.#calls._free();
  }
}

function stopTimer(closing: Closing): void {
  clearTimeout(closing._timer);
  closing._timer = undefined;
}

function startClosing(): Closing {
  let _resolve!: () => void;
  const _done = new Promise<void>((resolve) => (_resolve = resolve));
  return { _done, _resolve };
}

function reasonOf(code: string, message: string, closeCode: number): Reason {
  return { code: code as Reason["code"], message, ...(closeCode && { closeCode }) };
}
