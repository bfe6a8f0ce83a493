import { Channel, type ChannelPort } from "./channel.js";
import { Emitter } from "./emitter.js";
import { Call, type Engine, type EngineClass, type Frame, type Host, Kind, load } from "./engine.js";
import { SeamlineError, text } from "./error.js";
import { follow } from "./follow.js";
import { guard } from "./guard.js";
import { watchLifecycle } from "./lifecycle.js";
import { type Lineage, lineageOf } from "./lineage.js";
import { bytes, checkChannelOptions, checkCloseOptions, checkOptions, checkText, numbers } from "./options.js";
import { openSocket } from "./socket.js";
import { Subscription } from "./subscription.js";
import type { ChannelOptions, CloseOptions, Diagnostic, Gap, Logger, Options, Reason, State, Stats } from "./types.js";

/** The events of a client. */
export type ClientEvents = {
  /** The connection's state changed. */
  state: (state: State) => unknown;
  /** Something went wrong that concerns no single channel; the client goes on. */
  error: (error: unknown) => unknown;
};

/** Where the log has a publication, or why it does not. */
type Answer = { id: string; offset: number } | SeamlineError;

/** When the wasm cannot be fetched, the next attempts follow after this, doubled up to 16 times as long. */
const LOAD_RETRY_MS = 1000;
/** The default of `outboxMessages`. */
const OUTBOX_MESSAGES = 1000;

/** A connection to a server, kept up until it is closed. Make one with {@link connect}. */
export class Client {
  #options: Options;
  #numbers: ReturnType<typeof numbers>;
  #logger: Logger;
  #events = new Emitter<ClientEvents>("state", "error");
  #engine: Engine | undefined;
  #state: State = { name: "connecting" };
  /**
   * Calls that wait for the wasm or, once it is there, for the end of this turn, in order. Without an engine, the
   * client was closed before it came.
   */
  #waiting: ((engine?: Engine) => void)[] = [];
  #byName = new Map<string, Subscription>();
  #byId = new Map<number, Subscription>();
  #publications = new Map<number, (answer: Answer) => void>();
  /** Publications without an answer; more than those above before the wasm is there. */
  #unanswered = 0;
  /** The client is closed, or will be when publications are no longer waited for. */
  #closing = false;
  /** Set while publications are waited for. */
  #flushTimer: ReturnType<typeof setTimeout> | undefined;
  #resolveClosed!: () => void;
  #closed = new Promise<void>((resolve) => (this.#resolveClosed = resolve));
  /** States that listeners have not heard of yet. */
  #states: State[] = [];
  #refused = new SeamlineError("", "");
  #stopWatching = () => {};
  /** Stops waiting for the wasm or for a token; only one of them is pending at a time. */
  #stopWaiting = () => {};
  /** The final counts of a closed client. */
  #counted: Stats | undefined;
  #lineage: Lineage | undefined;
  #past: Diagnostic[] = [];

  /** @internal */
  constructor(url: string | URL, options: Options) {
    checkOptions(options);
    // Copies: the application may change its own later.
    this.#options = { ...options };
    this.#numbers = numbers(options);
    this.#logger = safe(options.logger ?? { warn: console.warn, error: console.error });
    const absolute = webSocketUrl(url);
    if (options.clientId) this.#lineage = lineageOf(options.clientId, randomKey().slice(16));
    this.#start(absolute, 0);
  }

  /** The state of the connection. */
  get state(): State {
    return this.#state;
  }

  /** Listens to an event; the returned function stops that. */
  on<E extends keyof ClientEvents>(event: E, listener: ClientEvents[E]): () => void {
    return this.#events.on(event, listener);
  }

  /**
   * A handle of a channel, each call another one. Handles of one name share a subscription, which begins when the
   * first of them listens; see {@link Channel}. Close each handle that listens when you no longer need it.
   */
  channel<T = unknown>(name: string, options: ChannelOptions = {}): Channel<T> {
    checkChannelOptions(options);
    checkName(name);
    if (this.#closing) throw isClosed("client");
    const port: ChannelPort = {
      _logger: this.#logger,
      _subscription: () => (this.#closing ? undefined : this.#subscription(name)),
      _publish: (data, key, closed) => this.#publish(name, data, key, closed),
      _cast: (data) => {
        const { json, size } = toJson(data);
        if (!this.#closing && this.#engine?.call(Call.Cast, 0, name, "", size, 0, json) === 0) throw this.#refused;
      },
    };
    return new Channel<T>(name, options, port);
  }

  /** What was counted so far. */
  stats(): Stats {
    if (this.#counted) return { ...this.#counted };
    const names = [
      "connects",
      "received",
      "delivered",
      "duplicates",
      "discarded",
      "repairs",
      "gaps",
      "published",
      "bytes",
    ];
    return Object.fromEntries(
      names.map((name, place) => [name, this.#engine?.call(Call.Stat, place) ?? 0]),
    ) as unknown as Stats;
  }

  /**
   * What happened to the connection and to the page lately, oldest first: the last 200 states, with their
   * reasons, and page events. It can be written as JSON, and has no messages in it: for the report of a bug.
   */
  diagnostics(): readonly Diagnostic[] {
    return this.#past;
  }

  /**
   * Closes for good: acknowledges what was processed, ends all channels, fails what waits to be published. Resolves
   * when the client is closed. With `flushMs`, publications without an answer have that long to get one: channels
   * end and new publications are refused at once, and the client is closed as soon as nothing waits. A publication
   * that fails with `closed` may be in the log all the same.
   */
  close(options: CloseOptions = {}): Promise<void> {
    checkCloseOptions(options);
    this.#closing = true;
    // The channels first: inside a handler, the wasm's own word comes after the frame at hand.
    this.#endChannels();
    clearTimeout(this.#flushTimer);
    const { flushMs } = options;
    if (flushMs && this.#unanswered > 0) this.#flushTimer = setTimeout(() => this.#close(), flushMs);
    else this.#close();
    return this.#closed;
  }

  #close(): void {
    if (this.#state.name === "closed") return;
    if (this.#engine) this.#engine.call(Call.Close);
    else this.#end({ code: "closed_by_application", message: "closed by the application" });
  }

  #endChannels(): void {
    for (const subscription of [...this.#byName.values()]) subscription._end();
  }

  #subscription(name: string): Subscription {
    const open = this.#byName.get(name);
    if (open) return open;
    const subscription: Subscription = new Subscription(name, {
      _soon: (call) => {
        this.#waiting.push(call);
        if (this.#engine) queueMicrotask(() => this.#flush());
      },
      _subscribe: (from, messages) => {
        const id = subscribe(this.#engine!, name, from, messages);
        if (id) this.#byId.set(id, subscription);
        else subscription._error(this.#refused);
        return id;
      },
      _unsubscribe: (id) => {
        if (this.#byId.delete(id)) this.#engine?.call(Call.Unsubscribe, id);
      },
      _processed: (id, count, { epoch, offset, id: messageId }) =>
        this.#engine?.call(Call.Processed, id, "", epoch, offset, count, messageId),
      _ended: () => this.#byName.delete(name),
    });
    this.#byName.set(name, subscription);
    return subscription;
  }

  #start(url: string, failures: number): void {
    this.#stopWaiting = follow(
      load(this.#options),
      (Loaded) => this.#connect(Loaded, url),
      (error) => this.#loadFailed(url, failures, error),
    );
  }

  #connect(Loaded: EngineClass, url: string): void {
    const { clientId = randomKey(), token, dialect, WebSocket: Own } = this.#options;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const host: Host = {
      timer: (waitMs) => {
        clearTimeout(timer);
        if (waitMs >= 0) timer = setTimeout(() => this.#engine?.call(Call.Timeout), waitMs);
      },
      emit: (...event) => this.#emit(...event),
      socket: (id, url) =>
        openSocket(
          () => new (Own ?? WebSocket)(url, dialect === "plain" ? undefined : "seamline.v1"),
          (kind, reason, code, data) => this.#engine?.call(kind, id, reason, "", code, 0, data) !== 0,
        ),
    };
    const engine = new Loaded(url, clientId, this.#lineage?._names(), this.#numbers, token !== undefined, host);
    this.#engine = engine;
    this.#stopWatching = watchLifecycle((event, sign) => {
      this.#note({ event });
      // Again, because a page restored from the back/forward cache is not the newest name there.
      if (sign !== Call.Wake) this.#lineage?._names();
      engine.call(sign);
    });
    // First, so that the connection is made with what is known.
    this.#flush();
    engine.call(Call.Connect);
  }

  /** The network may be down when the page loads: then the wasm is fetched again later. */
  #loadFailed(url: string, failures: number, error: unknown): void {
    const why = text(error);
    const reason: Reason = { code: "wasm_failed", message: `the WebAssembly could not be loaded: ${why}` };
    if (error instanceof SeamlineError) Object.assign(reason, { code: error.code, message: error.message });
    const { wasm } = this.#options;
    const fetched = wasm === undefined || typeof wasm === "string" || wasm instanceof URL;
    // What was fetched is not our wasm, or something is missing that a retry cannot bring.
    if (!fetched || /^(Compile|Link|Seamline)Error/.test(why)) {
      this.#logger.error?.("seamline:", reason.message);
      return this.#end(reason);
    }
    const waitMs = LOAD_RETRY_MS * 2 ** Math.min(failures, 4);
    const retry = setTimeout(() => this.#start(url, failures + 1), waitMs);
    this.#stopWaiting = () => clearTimeout(retry);
    this.#setState({ name: "waiting", attempt: failures + 1, retryAt: Date.now() + waitMs, reason });
  }

  /** Makes the calls that wait, in order: a subscription before what is published after it. */
  #flush(): void {
    while (this.#waiting.length > 0) this.#waiting.shift()!(this.#engine);
  }

  #publish(name: string, data: unknown, key = randomKey(), closed: boolean): Promise<{ id: string; offset: number }> {
    const { json, size } = toJson(data);
    return new Promise((resolve, reject) => {
      const settle = (answer: Answer) => {
        if (!(answer instanceof SeamlineError)) return resolve(answer);
        // Where nobody catches it, the error is all there is to see: so it says which publication it was.
        reject(new SeamlineError(answer.code, `publication "${key}" to channel "${name}" failed: ${answer.message}`));
      };
      if (closed || this.#closing) return settle(isClosed(closed ? "channel" : "client"));
      // The wasm has the same limit, once it is there.
      if (!this.#engine && this.#unanswered >= (this.#options.outboxMessages ?? OUTBOX_MESSAGES)) {
        return settle(new SeamlineError("outbox_full", "too many publications wait; try again later"));
      }
      this.#unanswered++;
      const answered = (answer: Answer) => {
        settle(answer);
        if (--this.#unanswered === 0 && this.#flushTimer) this.#close();
      };
      this.#waiting.push((engine) => {
        const id = engine?.call(Call.Publish, 0, name, key, size, 0, json);
        if (id) this.#publications.set(id, answered);
        else answered(engine ? this.#refused : isClosed("client"));
      });
      if (this.#engine) this.#flush();
    });
  }

  #answered(id: number, answer: Answer): void {
    this.#publications.get(id)?.(answer);
    this.#publications.delete(id);
  }

  /** Everything that the wasm tells. */
  #emit(...[kind, id, a, b, x, y, z, value]: Parameters<Host["emit"]>): void {
    const channel = this.#byId.get(id);
    switch (kind) {
      case Kind.Connecting:
        return this.#setState({ name: "connecting" });
      case Kind.Open:
        return this.#setState({ name: "open" });
      case Kind.Waiting:
        return this.#setState({ name: "waiting", attempt: x, retryAt: Date.now() + y, reason: reasonOf(a, b, z) });
      case Kind.Closed:
        return this.#end(reasonOf(a, b, z));
      case Kind.Attached:
        return channel?._attached({ epoch: a, offset: x });
      case Kind.Deliver:
        return channel?._deliver(value as Frame, x);
      case Kind.Gap: {
        const gap: Gap = { from: x, reason: a as Gap["reason"], ...(y ? { to: y } : {}) };
        return channel?._gap(gap, { epoch: b, offset: z });
      }
      case Kind.Live:
        return channel?._live();
      case Kind.Cast:
        return channel?._cast(value);
      case Kind.Published:
        return this.#answered(id, { id: a, offset: x });
      case Kind.PublishFailed:
        return this.#answered(id, new SeamlineError(a, b));
      case Kind.Error: {
        const error = new SeamlineError(a, b);
        return channel ? channel._error(error) : this.#error(error);
      }
      case Kind.FetchToken:
        return void this.#fetchToken(id, x === 1);
      case Kind.Refused:
        this.#refused = new SeamlineError(a, b);
    }
  }

  #fetchToken(id: number, refresh: boolean): void {
    const { token } = this.#options;
    const answer = new Promise<unknown>((resolve) => resolve(typeof token === "function" ? token({ refresh }) : token));
    this.#stopWaiting = follow(
      answer,
      (given) => {
        const answer = given ?? "";
        if (typeof answer !== "string") throw new SeamlineError("bad_token", `it gave no string but ${typeof answer}`);
        checkText("bad_token", "the token", answer);
        this.#engine?.call(Call.Token, id, answer);
      },
      (error) => this.#engine?.call(Call.TokenFailed, id, `the token function failed: ${text(error)}`),
    );
  }

  #end(reason: Reason): void {
    if (this.#state.name === "closed") return;
    this.#stopWatching();
    this.#closing = true;
    clearTimeout(this.#flushTimer);
    this.#stopWaiting();
    this.#lineage?._end();
    this.#setState({ name: "closed", reason });
    this.#endChannels();
    // What was to be published before the wasm came is refused here, by the wasm otherwise.
    this.#flush();
    this.#resolveClosed();
    this.#free();
  }

  /** Frees the engine. Wasm is not garbage-collected: an engine that stays keeps this client alive. */
  #free(): void {
    this.#counted = this.stats();
    const engine = this.#engine;
    this.#engine = undefined;
    queueMicrotask(() => engine?.free()); // not in the middle of one of its calls
  }

  #setState(state: State): void {
    this.#state = state;
    this.#note({ state });
    this.#logger.debug?.("seamline: state:", state);
    this.#states.push(state);
    if (this.#states.length > 1) return; // a listener caused this one: it comes after the one at hand
    for (const next of this.#states) this.#emitTo(this.#events.of("state"), next);
    this.#states = [];
  }

  #note(what: { state: State } | { event: string }): void {
    this.#past = [...this.#past, { at: Date.now(), ...what }].slice(-200);
  }

  #error(error: unknown): void {
    const listeners = this.#events.of("error");
    if (listeners.length === 0) this.#logger.error?.("seamline:", error);
    this.#emitTo(listeners, error);
  }

  #emitTo<T>(listeners: readonly ((value: T) => unknown)[], value: T): void {
    const failed = (error: unknown) => this.#logger.error?.("seamline: a listener failed:", error);
    for (const listener of listeners) void guard(() => listener(value), failed);
  }
}

function isClosed(what: string): SeamlineError {
  return new SeamlineError("closed", `the ${what} is closed`);
}

function reasonOf(code: string, message: string, closeCode: number): Reason {
  return { code: code as Reason["code"], message, ...(closeCode ? { closeCode } : {}) };
}

function subscribe(engine: Engine, name: string, from: ChannelOptions["from"], messages: boolean): number {
  const kind = messages ? Call.Subscribe : Call.SubscribeToCasts;
  if (typeof from === "object") return engine.call(kind, 0, name, from.epoch, from.offset, 0, from.id);
  return engine.call(kind, 0, name, "", from === "start" ? -2 : from === "tail" ? -3 : -1);
}

/** Relative URLs are taken from the page's; `http` means `ws`. */
function webSocketUrl(url: string | URL): string {
  let absolute: URL;
  try {
    absolute = new URL(url, globalThis.location?.href);
  } catch {
    throw new SeamlineError("bad_url", `not a URL: "${text(url)}"`);
  }
  checkText("bad_url", "the URL", url);
  absolute.protocol = absolute.protocol.replace("http", "ws");
  if (!/^wss?:$/.test(absolute.protocol)) {
    throw new SeamlineError("bad_url", `a WebSocket's URL begins with wss: or ws:, not "${absolute.protocol}"`);
  }
  absolute.hash = ""; // a WebSocket's URL has none (RFC 6455 §3)
  return absolute.href;
}

/** The wasm checks this too; here the caller's stack still shows who is to blame. */
function checkName(name: unknown): void {
  if (typeof name !== "string" || name === "" || bytes(name) > 200) {
    throw new SeamlineError("bad_channel", "a channel name is a string of 1 to 200 bytes");
  }
  checkText("bad_channel", "the channel name", name);
}

/** `crypto.randomUUID` is missing on pages that are not secure; `getRandomValues` is not. */
function randomKey(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** A logger that cannot throw: it is called in the middle of things. If it fails, there is nobody left to tell. */
function safe(logger: Logger): Logger {
  const call =
    (level: keyof Logger) =>
    (...line: unknown[]) =>
      void guard(
        () => logger[level]?.(...line),
        () => {},
      );
  return { debug: call("debug"), warn: call("warn"), error: call("error") };
}

/** A payload as JSON, which the caller cannot change later, and its size. */
function toJson(data: unknown): { json: string; size: number } {
  const json = JSON.stringify(data) as string | undefined;
  if (json === undefined) throw new SeamlineError("bad_data", "a payload must be something that JSON can hold");
  return { json, size: bytes(json) };
}
