import { Channel, type ChannelPort } from "./channel.js";
import { Emitter } from "./emitter.js";
import { type Engine, type Frame, type Host, Kind, load } from "./engine.js";
import { SeamlineError, text } from "./error.js";
import { guard } from "./guard.js";
import { watchLifecycle } from "./lifecycle.js";
import { bytes, checkChannelOptions, checkOptions, numbers } from "./options.js";
import type { ChannelOptions, Diagnostic, Gap, Logger, Options, Reason, State, Stats } from "./types.js";

/** The events of a client. */
export type ClientEvents = {
  /** The connection's state changed. */
  state: (state: State) => unknown;
  /** Something went wrong that concerns no single channel; the client goes on. */
  error: (error: unknown) => unknown;
};

type Settle = { resolve(at: { id: string; offset: number }): void; reject(error: SeamlineError): void };

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
  /** Calls that wait for the wasm, in order. Without an engine, the client was closed before it came. */
  #waiting: ((engine?: Engine) => void)[] = [];
  #byName = new Map<string, Channel>();
  #byId = new Map<number, Channel>();
  #publications = new Map<number, Settle>();
  /** States that listeners have not heard of yet. */
  #states: State[] = [];
  #refused = new SeamlineError("", "");
  #stopWatching = () => {};
  #past: Diagnostic[] = [];

  /** @internal */
  constructor(url: string | URL, options: Options) {
    checkOptions(options);
    // Copies: the application may change its own later.
    this.#options = { ...options };
    this.#numbers = numbers(options);
    this.#logger = safe(options.logger ?? { warn: console.warn, error: console.error });
    void this.#start(webSocketUrl(url), 0);
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
   * A channel: the one that is open under this name, whatever options it was opened with, or a new one. It
   * is subscribed to when someone listens.
   */
  channel<T = unknown>(name: string, options: ChannelOptions = {}): Channel<T> {
    checkChannelOptions(options);
    checkName(name);
    if (this.#state.name === "closed") throw new SeamlineError("closed", "the client is closed");
    const open = this.#byName.get(name);
    if (open) return open as Channel<T>;
    let id = 0;
    const port: ChannelPort = {
      logger: this.#logger,
      subscribe: () =>
        this.#whenReady((engine) => {
          if (!engine || this.#byName.get(name) !== (channel as Channel)) return; // closed before it began
          id = subscribe(engine, name, options.from);
          if (id) this.#byId.set(id, channel as Channel);
          else channel._error(this.#refused);
        }),
      processed: (count, { epoch, offset, id: messageId }) =>
        this.#engine?.processed(id, count, epoch, offset, messageId ?? ""),
      publish: (data, key) => this.#publish(name, data, key),
      cast: (data) => {
        const { copy, size } = toJson(data);
        if (this.#engine?.cast(name, copy, size) === 0) throw this.#refused;
      },
      close: () => {
        this.#byName.delete(name);
        this.#byId.delete(id);
        if (id) this.#engine?.unsubscribe(id);
      },
    };
    const channel: Channel<T> = new Channel<T>(name, options, port);
    this.#byName.set(name, channel as Channel);
    return channel;
  }

  /** What was counted so far. */
  stats(): Stats {
    const names = ["connects", "received", "delivered", "duplicates", "discarded", "repairs", "gaps", "published", "bytes"];
    return Object.fromEntries(names.map((name, place) => [name, this.#engine?.stat(place) ?? 0])) as unknown as Stats;
  }

  /**
   * What happened to the connection and to the page lately, oldest first: the last 200 states, with their
   * reasons, and page events. It can be written as JSON, and has no messages in it: for the report of a bug.
   */
  diagnostics(): readonly Diagnostic[] {
    return this.#past;
  }

  /** Closes for good: acknowledges what was processed, ends all channels, fails what waits to be published. */
  close(): void {
    // The channels first: inside a handler, the wasm's own word comes after the frame at hand.
    for (const channel of [...this.#byName.values()]) channel.close();
    if (this.#engine) this.#engine.close();
    else this.#end({ code: "closed_by_application", message: "closed by the application" });
  }

  async #start(url: string, failures: number): Promise<void> {
    const { clientId = randomKey(), token, dialect, WebSocket: Own } = this.#options;
    let Engine;
    try {
      Engine = await load(this.#options);
    } catch (error) {
      return this.#loadFailed(url, failures, error);
    }
    if (this.#state.name === "closed") return;
    const host: Host = {
      emit: (...event) => this.#emit(...event),
      socket: (url) => {
        const socket = new (Own ?? WebSocket)(url, dialect === "plain" ? undefined : "seamline.v1");
        socket.onerror = () => {}; // its close says all; but Node's `ws` throws an error that nobody listens to
        return socket;
      },
    };
    const engine = new Engine(url, clientId, this.#numbers, token !== undefined, host);
    this.#engine = engine;
    this.#stopWatching = watchLifecycle((event, sign) => {
      this.#note({ event });
      engine.lifecycle(sign);
    });
    // First, so that the connection is made with what is known.
    for (const call of this.#waiting.splice(0)) call(engine);
    engine.connect();
  }

  /** The network may be down when the page loads: then the wasm is fetched again later. */
  #loadFailed(url: string, failures: number, error: unknown): void {
    if (this.#state.name === "closed") return;
    const reason: Reason = { code: "wasm_failed", message: `the WebAssembly could not be loaded: ${error}` };
    const { wasm } = this.#options;
    const fetched = wasm === undefined || typeof wasm === "string" || wasm instanceof URL;
    // What was fetched is no wasm, or not ours; or a file could not be read.
    if (!fetched || /^(Compile|Link|Seamline)Error/.test(error as string)) {
      this.#logger.error?.("seamline:", reason.message);
      return this.#end(reason);
    }
    const waitMs = LOAD_RETRY_MS * 2 ** Math.min(failures, 4);
    this.#setState({ name: "waiting", attempt: failures + 1, retryAt: Date.now() + waitMs, reason });
    setTimeout(() => void this.#start(url, failures + 1), waitMs);
  }

  #whenReady(call: (engine?: Engine) => void): void {
    if (this.#engine) call(this.#engine);
    else this.#waiting.push(call);
  }

  #publish(name: string, data: unknown, key = randomKey()): Promise<{ id: string; offset: number }> {
    return new Promise((resolve, reject) => {
      const { copy, size } = toJson(data); // what it throws rejects
      if (this.#state.name === "closed") throw new SeamlineError("closed", "the client is closed");
      // The wasm has the same limit, once it is there.
      if (this.#waiting.length >= (this.#options.outboxMessages ?? OUTBOX_MESSAGES)) {
        throw new SeamlineError("outbox_full", "too many publications wait; try again later");
      }
      this.#whenReady((engine) => {
        if (!engine) return reject(new SeamlineError("closed", "the client is closed"));
        const id = engine.publish(name, key, copy, size);
        if (id) this.#publications.set(id, { resolve, reject });
        else reject(this.#refused);
      });
    });
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
        this.#publications.get(id)?.resolve({ id: a, offset: x });
        this.#publications.delete(id);
        return;
      case Kind.PublishFailed:
        this.#publications.get(id)?.reject(new SeamlineError(a, b));
        this.#publications.delete(id);
        return;
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

  async #fetchToken(id: number, refresh: boolean): Promise<void> {
    const { token } = this.#options;
    try {
      const answer = (typeof token === "function" ? await token({ refresh }) : token) ?? "";
      if (typeof answer !== "string") throw new SeamlineError("bad_token", `it gave no string but ${typeof answer}`);
      this.#engine?.token(id, answer, false);
    } catch (error) {
      this.#engine?.token(id, `the token function failed: ${text(error)}`, true);
    }
  }

  #end(reason: Reason): void {
    if (this.#state.name === "closed") return;
    this.#stopWatching();
    this.#setState({ name: "closed", reason });
    for (const channel of [...this.#byName.values()]) channel.close();
    // What was to be published before the wasm came is refused here, by the wasm otherwise.
    for (const call of this.#waiting.splice(0)) call();
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

function reasonOf(code: string, message: string, closeCode: number): Reason {
  return { code: code as Reason["code"], message, ...(closeCode ? { closeCode } : {}) };
}

function subscribe(engine: Engine, name: string, from: ChannelOptions["from"]): number {
  if (typeof from === "object") return engine.subscribe(name, from.epoch, from.offset, from.id ?? "");
  return engine.subscribe(name, "", from === "start" ? -2 : from === "tail" ? -3 : -1, "");
}

/** Relative URLs are taken from the page's; `http` means `ws`. */
function webSocketUrl(url: string | URL): string {
  let absolute: URL;
  try {
    absolute = new URL(url, globalThis.location?.href);
  } catch {
    throw new SeamlineError("bad_url", `not a URL: "${text(url)}"`);
  }
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
}

/** `crypto.randomUUID` is missing on pages that are not secure; `getRandomValues` is not. */
function randomKey(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** A logger that cannot throw: it is called in the middle of things. If it fails, there is nobody left to tell. */
function safe(logger: Logger): Logger {
  const call = (level: keyof Logger) => (...line: unknown[]) => void guard(() => logger[level]?.(...line), () => {});
  return { debug: call("debug"), warn: call("warn"), error: call("error") };
}

/** A copy of a payload, which the caller cannot change later, and its size as JSON. */
function toJson(data: unknown): { copy: unknown; size: number } {
  const json = JSON.stringify(data) as string | undefined;
  if (json === undefined) throw new SeamlineError("bad_data", "a payload must be something that JSON can hold");
  return { copy: JSON.parse(json), size: bytes(json) };
}
