import type { Frame } from "./boundary.js";
import type { ChannelEvents } from "./channel.js";
import { Emitter } from "./emitter.js";
import { guard } from "./guard.js";
import type { Subscription } from "./subscription.js";
import type { ChannelOptions, Gap, Logger, Message, Position } from "./types.js";

/** A frame, and which of its messages is the next one. */
type Batch = { _frame: Frame; _next: number; _positionId?: string | undefined };
/** What is queued for a handle's listeners, in the channel's order: messages, or something to do. */
type Entry = Batch | (() => Promise<unknown> | void);

/**
 * Dispatches one handle's events to its listeners: queues them, waits for what a listener returns, retries
 * what fails, and keeps the position up to which everything is processed.
 */
export class Dispatcher<T = unknown> {
  readonly _events = new Emitter<ChannelEvents<T>>("message", "gap", "cast", "live", "error");
  /** The requested start point. */
  readonly _from: ChannelOptions["from"];
  /** What it listens to; none before the first listener. */
  _subscription: Subscription | undefined;
  _position: Position | undefined;
  /** Messages processed, counted like those that arrived at the subscription. */
  _messages = 0;
  /** The same for messages and gaps together. */
  _steps = 0;
  /** `true` in the middle of a step; a promise while the listeners' promises are waited for. */
  _work: Promise<unknown> | boolean = false;
  _ended = false;
  /** Called at the end. */
  readonly _onEnd = new Set<() => void>();
  /** Called when the server rejects the subscription. */
  readonly _onRejected = new Set<(error: unknown) => void>();
  _wasLive = false;
  #name: string;
  #attempts: number;
  #delayMs: number;
  #logger: Required<Logger>;
  #queue: Entry[] = [];
  #emitLive = () => {
    this._wasLive = true;
    void this._emit("live");
  };

  constructor(name: string, { from, redeliver }: ChannelOptions, logger: Required<Logger>) {
    this.#name = name;
    this.#attempts = redeliver?.attempts ?? 1;
    this.#delayMs = redeliver?.delayMs ?? 1000;
    this.#logger = logger;
    // A copy: the application may change its own later.
    this._position = typeof from === "object" ? { ...from } : undefined;
    this._from = this._position ?? from;
  }

  _deliver(frame: Frame, skip: number, positionId?: string): void {
    this.#push({ _frame: frame, _next: skip, _positionId: positionId });
  }

  _live(): void {
    // A server may report it often while the application is busy.
    if (this.#queue.at(-1) !== this.#emitLive) this.#push(this.#emitLive);
  }

  _gap(gap: Gap, position: Position): void {
    this.#push(() => this.#gap(gap, position));
  }

  /** Nothing is dispatched any more. */
  _end(): void {
    if (this._ended) return;
    this._subscription?._leave(this); // first, because it reports what was processed
    this._ended = true;
    this.#queue = [];
    for (const end of this._onEnd) end();
    this._events._end();
  }

  /** The server rejects the subscription. */
  _rejected(error: unknown): void {
    for (const call of this._onRejected) call(error);
    this._error(error);
  }

  _error(error: unknown, message?: Message<T>): void {
    if (this._events.of("error").length === 0) {
      this.#logger.error(`seamline: channel "${this.#name}":`, error);
    }
    this._emit("error", error, message);
  }

  /** Calls every listener of an event, whatever the others do. Returns a promise if there is something to wait for. */
  _emit<E extends keyof ChannelEvents<T>>(event: E, ...args: Parameters<ChannelEvents<T>[E]>): Promise<unknown> | void {
    const failed = (error: unknown) => {
      if (event === "error") this.#logger.error("seamline: a listener failed:", error);
      else this._error(error);
    };
    return all(this._events.of(event), (listener) =>
      guard(() => (listener as (...args: unknown[]) => unknown)(...args), failed),
    );
  }

  /** Works off the queue until it is empty or there is something to wait for. */
  _run(): void {
    if (this._work) return;
    this._work = true;
    while (this._work === true) this._work = this.#step();
    if (!this._work) return;
    void this._work.then(() => {
      this._work = false;
      this._run();
    });
  }

  #push(entry: Entry): void {
    if (this._ended) return;
    this.#queue.push(entry);
    this._run();
  }

  /** Returns a promise to wait for, or whether to continue. */
  #step(): Promise<unknown> | boolean {
    const entry = this.#queue[0];
    if (!entry) return false;
    if (typeof entry === "object") return this.#batch(entry);
    this.#queue.shift();
    return entry() ?? true;
  }

  /** Dispatches messages of a frame until one is to be waited for. Reports the others in one call. */
  #batch(entry: Batch): Promise<unknown> | boolean {
    const frame = entry._frame;
    const { n, ids, data } = frame;
    const before = this._steps;
    let wait: Promise<unknown> | undefined | void;
    while (entry._next < ids.length && !wait && !this._ended) {
      const listeners = this._events.of("message");
      if (listeners.length === 0) break;
      const i = entry._next++;
      const message = { id: ids[i]!, offset: n + i, data: data[i] as T, replayed: frame.replay === true };
      wait = all(listeners, (listener) => this.#attempt(message, listener, 1));
      if (!wait) this.#moved(entry, i);
    }
    const last = entry._next - 1;
    if (entry._next === ids.length) this.#queue.shift();
    this._subscription?._report();
    if (!wait) return this._steps > before;
    return wait.then(() => {
      this.#moved(entry, last);
      this._subscription?._report();
    });
  }

  #moved({ _frame, _positionId }: Batch, i: number): void {
    if (this._ended) return;
    this._position = positionAfter(i, _frame, this._position, _positionId);
    this._messages++;
    this._steps++;
  }

  /** Dispatches a message to one listener, and again if it fails and is to be tried again. */
  #attempt(message: Message<T>, listener: ChannelEvents<T>["message"], attempt: number): Promise<unknown> | void {
    return guard(
      () => listener(message),
      (error) => {
        this._error(error, message);
        if (attempt >= this.#attempts || this._ended) return;
        return this.#pause().then(() => {
          if (this._ended || !this._events.of("message").includes(listener)) return; // removed meanwhile
          return this.#attempt(message, listener, attempt + 1);
        });
      },
    );
  }

  /** Waits before a message is dispatched again. The end of the handle ends the wait: no timer outlives it. */
  #pause(): Promise<void> {
    return new Promise((resolve) => {
      const done = () => {
        clearTimeout(timer);
        this._onEnd.delete(done);
        resolve();
      };
      const timer = setTimeout(done, this.#delayMs);
      this._onEnd.add(done);
    });
  }

  #gap(gap: Gap, position: Position): Promise<unknown> | void {
    if (this._events.of("gap").length === 0) {
      this.#logger.warn(`seamline: channel "${this.#name}": messages are lost:`, gap);
    }
    const wait = this._emit("gap", gap);
    const done = () => {
      if (this._ended) return;
      this._position = position;
      this._steps++;
      this._subscription?._report();
    };
    if (wait) return wait.then(done);
    done();
  }
}

/**
 * The position after message `i` of a frame, in the epoch of the position before it. Its id is the message's own by
 * default.
 */
export function positionAfter(i: number, { n, ids }: Frame, before: Position | undefined, id = ids[i]): Position {
  return { epoch: before?.epoch ?? "", offset: n + i, ...(id && { id }) };
}

/** Calls for every listener; a promise if there is something to wait for. */
function all<L>(listeners: readonly L[], call: (listener: L) => Promise<unknown> | void): Promise<unknown> | void {
  let waits: Promise<unknown>[] | undefined;
  for (const listener of listeners) {
    const wait = call(listener);
    if (wait) (waits ??= []).push(wait);
  }
  return waits && Promise.all(waits);
}
