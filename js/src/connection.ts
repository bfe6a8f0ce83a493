import { Call, type EngineClass, type Frame, type Host, Kind } from "./boundary.js";
import { Calls } from "./calls.js";
import type { ChannelPort } from "./channel.js";
import { SeamlineError } from "./error.js";
import { watchLifecycle } from "./lifecycle.js";
import { type Lineage, lineageOf } from "./lineage.js";
import { type Loading, loadWithRetries } from "./load.js";
import { numbers } from "./options.js";
import { toJson } from "./payload.js";
import { closed, Publications, type Published } from "./publications.js";
import { randomName } from "./random.js";
import { openSocket } from "./socket.js";
import { Status } from "./status.js";
import type { Subscription } from "./subscription.js";
import { Subscriptions } from "./subscriptions.js";
import { fetchToken } from "./token.js";
import type { Gap, Logger, Options, Reason, Stats } from "./types.js";

/** Whether the application may still use a client. */
type Life =
  | { _is: Is.Open }
  /** Nothing new is accepted; publications without an answer are waited for until the timer fires. */
  | { _is: Is.Closing; _timer?: ReturnType<typeof setTimeout> }
  /** With the final counts, once the wasm is gone. */
  | { _is: Is.Closed; _stats?: Stats };

const enum Is {
  Open,
  Closing,
  Closed,
}

/** What a client does: it runs the wasm, carries out what that asks for, and passes on what that reports. */
export class Connection implements ChannelPort, Loading {
  readonly _status: Status;
  /** Resolves when the client is closed. */
  readonly _closed: Promise<void>;
  #life: Life = { _is: Is.Open };
  #url: string;
  #options: Options;
  #numbers: unknown;
  #calls = new Calls();
  #subscriptions = new Subscriptions(this.#calls);
  #publications: Publications;
  #lineage: Lineage | undefined;
  #resolveClosed!: () => void;
  #stopWatching = () => {};
  /** Stops waiting for the wasm or for a token; only one of them is pending at a time. */
  #stopWaiting = () => {};

  constructor(url: string, options: Options) {
    const { clientId, outboxMessages } = options;
    this.#url = url;
    this.#options = options;
    this.#numbers = numbers(options);
    this._status = new Status(options.logger);
    this._closed = new Promise((resolve) => (this.#resolveClosed = resolve));
    this.#publications = new Publications(this.#calls, outboxMessages);
    if (clientId) this.#lineage = lineageOf(clientId, randomName().slice(16));
    this.#stopWaiting = loadWithRetries(options, this);
  }

  get _logger(): Logger {
    return this._status._logger;
  }

  /** Whether nothing new is accepted. */
  get _closing(): boolean {
    return this.#life._is !== Is.Open;
  }

  _subscription(name: string): Subscription | undefined {
    return this._closing ? undefined : this.#subscriptions._of(name);
  }

  _publish(name: string, data: unknown, key: string | undefined, isHandleClosed: boolean): Promise<Published> {
    const what = isHandleClosed ? "channel" : "client";
    return this.#publications._publish(name, data, key, isHandleClosed || this._closing ? closed(what) : undefined);
  }

  _cast(name: string, data: unknown): void {
    const { json, size } = toJson(data);
    if (this._closing) return;
    const answer = this.#calls._try(Call.Cast, 0, name, "", size, 0, json);
    if (answer instanceof SeamlineError) throw answer;
  }

  _stats(): Stats {
    return this.#life._is === Is.Closed && this.#life._stats ? { ...this.#life._stats } : this.#count();
  }

  #count(): Stats {
    const names = ["connects", "received", "delivered", "duplicates", "discarded", "repairs", "gaps", "published"];
    const counts = [...names, "bytes"].map((name, place) => [name, this.#calls._call(Call.Stat, place)]);
    return Object.fromEntries(counts) as unknown as Stats;
  }

  _close(flushMs = 0): Promise<void> {
    if (this.#life._is !== Is.Closed) {
      this.#stopFlush();
      const life: Life = (this.#life = { _is: Is.Closing });
      // First, because inside a handler the wasm's own report comes after the frame at hand.
      this.#subscriptions._end();
      const close = () => this.#close();
      if (flushMs && this.#publications._unanswered > 0) {
        this.#publications._onEmpty = close;
        life._timer = setTimeout(close, flushMs);
      } else close();
    }
    return this._closed;
  }

  #close(): void {
    if (this.#calls._ready) this.#calls._call(Call.Close);
    else this.#end({ code: "closed_by_application", message: "closed by the application" });
  }

  #stopFlush(): void {
    if (this.#life._is === Is.Closing) clearTimeout(this.#life._timer);
  }

  _waiting(attempt: number, retryAt: number, reason: Reason): void {
    this._status._set({ name: "waiting", attempt, retryAt, reason });
  }

  _failed(reason: Reason): void {
    this._logger.error?.("seamline:", reason.message);
    this.#end(reason);
  }

  _loaded(Loaded: EngineClass): void {
    const { clientId = randomName(), token } = this.#options;
    const names = this.#lineage?._names();
    const engine = new Loaded(this.#url, clientId, names, this.#numbers, token !== undefined, this.#host());
    this.#stopWatching = watchLifecycle((event, call) => {
      this._status._record({ event });
      // Again, because a page restored from the back/forward cache is not the newest name there.
      if (call !== Call.Wake) this.#lineage?._names();
      this.#calls._call(call);
    });
    // First, so that the connection is made with what is known.
    this.#calls._attach(engine);
    this.#calls._call(Call.Connect);
  }

  #host(): Host {
    const { dialect, WebSocket: Own } = this.#options;
    let timer: ReturnType<typeof setTimeout> | undefined;
    return {
      timer: (waitMs) => {
        clearTimeout(timer);
        if (waitMs >= 0) timer = setTimeout(() => this.#calls._call(Call.Timeout), waitMs);
      },
      emit: (...event) => this.#dispatch(...event),
      socket: (id, url) =>
        openSocket(
          () => new (Own ?? WebSocket)(url, dialect === "plain" ? undefined : "seamline.v1"),
          (kind, reason, code, data) => this.#calls._report(kind, id, reason, "", code, 0, data),
        ),
    };
  }

  /** Passes on what the wasm reports. */
  #dispatch(...[kind, id, a, b, x, y, z, value]: Parameters<Host["emit"]>): void {
    const subscription = this.#subscriptions._get(id);
    switch (kind) {
      case Kind.Connecting:
        return this._status._set({ name: "connecting" });
      case Kind.Open:
        return this._status._set({ name: "open" });
      case Kind.Waiting:
        return this._waiting(x, Date.now() + y, reasonOf(a, b, z));
      case Kind.Closed:
        return this.#end(reasonOf(a, b, z));
      case Kind.Attached:
        return subscription?._attached({ epoch: a, offset: x });
      case Kind.Deliver:
        return subscription?._deliver(value as Frame, x);
      case Kind.DeliverObject:
        return subscription?._deliver({ n: x, ids: [a], data: [value], replay: y === 1 }, 0, b);
      case Kind.Gap: {
        const gap: Gap = { from: x, reason: a as Gap["reason"], ...(y ? { to: y } : {}) };
        return subscription?._gap(gap, { epoch: b, offset: z });
      }
      case Kind.Live:
        return subscription?._live();
      case Kind.Cast:
        return subscription?._cast(value);
      case Kind.Published:
        return this.#publications._answered(id, { id: a, offset: x });
      case Kind.PublishFailed:
        return this.#publications._answered(id, new SeamlineError(a, b));
      case Kind.Error:
        return (subscription ?? this._status)._error(new SeamlineError(a, b));
      case Kind.FetchToken:
        return this.#fetchToken(id, x === 1);
      case Kind.Refused:
        this.#calls._refused = new SeamlineError(a, b);
    }
  }

  #fetchToken(id: number, refresh: boolean): void {
    this.#stopWaiting = fetchToken(
      this.#options.token,
      refresh,
      (token) => this.#calls._call(Call.Token, id, token),
      (message) => this.#calls._call(Call.TokenFailed, id, message),
    );
  }

  #end(reason: Reason): void {
    if (this.#life._is === Is.Closed) return;
    this.#stopFlush();
    const life: Life = (this.#life = { _is: Is.Closed });
    this.#stopWatching();
    this.#stopWaiting();
    this.#lineage?._end();
    this._status._set({ name: "closed", reason });
    this.#subscriptions._end();
    // What was to be published before the wasm came is refused here, by the wasm otherwise.
    this.#calls._flush();
    this.#resolveClosed();
    life._stats = this.#count();
    this.#calls._free();
  }
}

function reasonOf(code: string, message: string, closeCode: number): Reason {
  return { code: code as Reason["code"], message, ...(closeCode ? { closeCode } : {}) };
}
