import type { Frame } from "./boundary.js";
import type { ChannelEvents } from "./channel.js";
import { Emitter } from "./emitter.js";
import { all, guard, then } from "./guard.js";
import { pause } from "./pause.js";
import { type From, missed, type Stream } from "./start-point.js";
import type { Subscription } from "./subscription.js";
import type { ChannelOptions, Gap, Logger, Message, Position } from "./types.js";
import { validate } from "./validate.js";

/** The most messages of one `batch` event. */
const BATCH_MAX = 1000;

/** After this long, the page gets a turn. */
const SLICE_MS = 20;
/** It is checked before each of so many messages. */
const CHECKED = 32;

/** When the page gets a turn, if dispatching begins now. */
export function sliceEnd(): number {
  return performance.now() + SLICE_MS;
}

/** Messages of a frame that came from a stream. */
interface Run {
  _frame: Frame;
  _stream: Stream;
  _epoch: string;
  _positionId: string | undefined;
  /** The index of the first message that is not processed. */
  _next: number;
}
/** What is queued for a handle's listeners, in the channel's order: messages, or something to do. */
type Entry = Run | (() => Promise<unknown> | void);

/** A message whose turn it is. */
interface Item<T> {
  _run: Run;
  _message: Message<T>;
  /** Why its payload is invalid. */
  _error?: unknown;
}

/**
 * Dispatches one handle's events to its listeners: queues them, waits for what a listener returns, retries
 * what fails, and keeps the position up to which everything is processed.
 */
export class Dispatcher<T = unknown, C = unknown> {
  readonly _events = new Emitter<ChannelEvents<T, C, void>>("message", "batch", "gap", "cast", "live", "error");
  /** The requested start point. */
  _from: From;
  /** What it listens to; none before the first listener. */
  _subscription: Subscription | undefined;
  /** Everything up to here is processed. */
  _position: Position | undefined;
  /** Where it began. */
  _began: Position | undefined;
  /** How many messages of the current stream are processed, counted like those that arrived. */
  _messages = 0;
  /** The same for messages and gaps together. */
  _steps = 0;
  /** The stream's position after that. This handle may be ahead of it. */
  _at: Position | undefined;
  /** `true` in the middle of a step; a promise while the listeners' promises are waited for. */
  _work: Promise<unknown> | boolean = false;
  _ended = false;
  /** Called at the end. */
  readonly _onEnd = new Set<() => void>();
  /** Called when the server rejects the subscription. */
  readonly _onRejected = new Set<(error: unknown) => void>();
  _wasLive = false;
  /** The connection on which `live` was last queued. */
  _liveOn: unknown;
  readonly _name: string;
  _attempts: number;
  _delayMs: number;
  #schema: ChannelOptions<T>["validate"];
  #logger: Required<Logger>;
  /** What waits for the listeners. */
  _queue!: Entry[];
  /** What counts is processed of this stream. Earlier ones may still be in the queue. */
  #stream: Stream | undefined;
  /** Everything up to here was queued or skipped. The id is that of a message that arrived. */
  #had: Position | undefined;
  /** The run whose first message one listener is busy with, and nothing else was taken from it. */
  #pulled: Run | undefined;
  /** When the page gets a turn. */
  #until = 0;
  /** The first offset of the current stream that was skipped. */
  #skipped: number | undefined;
  #emitLive = () => {
    this._wasLive = true;
    void this._emit("live");
  };

  constructor(name: string, options: ChannelOptions<T, unknown>, logger: Required<Logger>) {
    const { from, redeliver, validate } = options;
    this._name = name;
    this._attempts = redeliver?.attempts ?? 1;
    this._delayMs = redeliver?.delayMs ?? 1000;
    this.#schema = validate;
    this.#logger = logger;
    this._restart(from as From);
  }

  /** It begins at a start point, and drops what it has queued. */
  _restart(from: From): void {
    this._queue = [];
    // A copy: the application may change its own later. By name: its own may be an object of a class.
    this._position = this.#had = typeof from === "object" ? copyOf(from) : undefined;
    this._from = this._position ?? from;
  }

  /** It follows a stream from now on: after `position` if it has not followed another one. */
  _begin(stream: Stream, position?: Position): void {
    const { _messages, _steps, _position } = stream;
    this.#stream = stream;
    this.#skipped = undefined;
    Object.assign(this, { _messages, _steps, _at: _position });
    if (position) this.#startAt(position);
  }

  /** The server has answered: the stream continues after this position. */
  _attached(position: Position): void {
    if (this.#had) this._gap("trimmed", position);
    else this.#startAt(position);
  }

  /** Queues a frame's messages from `skip` on, except those that this handle has had. */
  _deliver(_stream: Stream, _epoch: string, _frame: Frame, skip: number, _positionId?: string): void {
    const { n, ids } = _frame;
    const { offset = n - 1, id } = this.#had ?? {};
    const same = offset - n;
    const next = Math.min(Math.max(skip, same + 1), ids.length);
    if (next > skip) {
      this.#skipped ??= n + skip;
      if (same < ids.length && id && ids[same] !== id) {
        // It has had another message with this offset: the log was rewound, and has grown beyond it again.
        this._lost({ from: this.#skipped, to: offset, reason: "rewound" }, { epoch: _epoch, offset });
      }
      const at = positionAfter(next - 1, _frame, _epoch, _positionId);
      this._queue.push(() => this.#count(_stream, next - skip, next - skip, at));
    }
    if (next === ids.length) return;
    this.#had = positionAfter(ids.length - 1, _frame, _epoch);
    this._queue.push({ _frame, _stream, _epoch, _positionId, _next: next });
  }

  /** The stream continues after `position`: this counts as a step of it, if it is given. */
  _gap(reason: Gap["reason"], position: Position, stream?: Stream): void {
    const gap = this.#had && missed(this.#had, position, reason);
    if (gap) this._lost(gap, position);
    if (!stream) return;
    this._queue.push(() => {
      // By itself: the core distinguishes what was processed before a gap.
      this._subscription?._report();
      this.#count(stream, 0, 1, position);
      this._subscription?._report();
    });
  }

  /** The channel is live, on the connection of this number. */
  _live(connects: unknown): void {
    this._liveOn = connects;
    // A server may report it often while the application is busy.
    if (this._queue.at(-1) !== this.#emitLive) this._queue.push(this.#emitLive);
    this._run();
  }

  /** Nothing is dispatched any more. */
  _end(): void {
    if (this._ended) return;
    this._subscription?._leave(this); // first, because it reports what was processed
    this._ended = true;
    this._queue = [];
    for (const end of this._onEnd) end();
    this._events._end();
  }

  /** The server rejects the subscription. */
  _rejected(error: unknown): void {
    if (this._ended) return; // the listener of another handle has closed this one
    for (const call of this._onRejected) call(error);
    this._error(error);
  }

  _error(error: unknown, message?: Message<T>): void {
    if (this._events.of("error").length === 0) {
      this.#logger.error(`seamline: channel "${this._name}":`, error);
    }
    this._emit("error", error, message);
  }

  /** Calls every listener of an event, whatever the others do. Returns a promise if there is something to wait for. */
  _emit<E extends keyof ChannelEvents<T, C>>(
    event: E,
    ...args: Parameters<ChannelEvents<T, C>[E]>
  ): Promise<unknown> | void {
    const failed = (error: unknown) => {
      if (event === "error") this.#logger.error("seamline: a listener failed:", error);
      else this._error(error);
    };
    return all(this._events.of(event), (listener) =>
      guard(() => (listener as (...args: unknown[]) => unknown)(...args), failed),
    );
  }

  /** Works off the queue until it is empty or there is something to wait for. `until`: for the handles of one frame. */
  _run(until = this.#until): void {
    if (this._work) return;
    this.#until = until;
    this._work = true;
    while (this._work === true) this._work = this.#step();
    if (!this._work) return this._subscription?._reportSoon(false);
    const next = this._queue[0];
    this._subscription?._reportSoon(typeof next === "object" && next._next > 0);
    void this._work.then(() => {
      this._work = false;
      this._run();
    });
  }

  #startAt(position: Position): void {
    this._began = this._position = position;
    this.#had = { epoch: position.epoch, offset: position.offset };
  }

  /** Messages are lost, and the stream continues after `position`. */
  _lost(gap: Gap, position: Position): void {
    this.#had = position;
    this._queue.push(() => this.#gap(gap, position));
  }

  /** Returns a promise to wait for, or whether to continue. */
  #step(): Promise<unknown> | boolean {
    const entry = this._ended ? undefined : this._queue[0];
    if (!entry) return false;
    if (typeof entry === "object") return this.#dispatch(entry);
    this._queue.shift();
    return entry() ?? true;
  }

  /** Counts what is processed, unless it is of an earlier stream. */
  #count(stream: Stream, messages: number, steps: number, at: Position): void {
    if (stream !== this.#stream) return;
    this._messages += messages;
    this._steps += steps;
    this._at = at;
  }

  #listens(): boolean {
    return this._events.of("message").length + this._events.of("batch").length > 0;
  }

  /** Dispatches the first messages of the queue: as many as a batch may have, or a run until one is waited for. */
  #dispatch(run: Run): Promise<unknown> | boolean {
    if (!this.#listens()) return false;
    const schema = this.#schema;
    const hasBatches = this._events.of("batch").length > 0;
    if (!hasBatches && !schema) return this.#singly(run);
    const items = this.#take(hasBatches ? BATCH_MAX : 1);
    const wait = schema && all(items, (item) => validate(schema, this._name, item));
    return then(wait, () => this.#batch(items)) ?? true;
  }

  /** The usual case: there is nothing to collect. */
  #singly(run: Run): Promise<unknown> | boolean {
    const { length } = run._frame.ids;
    let listeners = this._events.of("message");
    while (run._next < length && !this._ended && listeners.length > 0 && this._events.of("batch").length === 0) {
      if (this.#isTired(run._next)) {
        const turn = pause();
        if (turn) return turn.then(() => void (this.#until = sliceEnd()));
      }
      const message = messageAt<T>(run, run._next);
      const attempt = (listener: (message: Message<T>) => unknown) =>
        this.#attempt("message", listener, () => message, message, 1);
      const wait = listeners.length === 1 ? attempt(listeners[0]!) : all(listeners, attempt);
      if (wait) {
        if (listeners.length === 1) this.#pulled = run;
        return this.#processedAfter(wait, run);
      }
      this.#processed(run);
      listeners = this._events.of("message");
    }
    return true;
  }

  /**
   * The only listener, which is busy with a message, requests the next one in place of returning: the promise that it
   * returned stands for that one from now on. Returns nothing if it has to come the usual way.
   */
  _next(): Message<T> | undefined {
    const run = this.#pulled;
    const isAlone = this._events.of("message").length === 1 && this._events.of("batch").length === 0;
    const next = run ? run._next + 1 : 0;
    if (!run || !isAlone || this._ended || next === run._frame.ids.length || this.#isTired(next)) return;
    this.#processed(run);
    this._subscription?._reportSoon(true);
    return messageAt(run, next);
  }

  #isTired(next: number): boolean {
    return next % CHECKED === 0 && performance.now() > this.#until;
  }

  #take(max: number): Item<T>[] {
    const items: Item<T>[] = [];
    for (const run of this._queue) {
      if (typeof run === "function") break;
      for (let i = run._next; i < run._frame.ids.length; i++) {
        if (items.length === max) return items;
        items.push({ _run: run, _message: messageAt(run, i) });
      }
    }
    return items;
  }

  /** Dispatches messages together, then one by one. */
  #batch(items: Item<T>[]): Promise<unknown> | void {
    if (this._ended || !this.#listens()) return; // they wait for the next listener
    const messages = items.filter(({ _error }) => !_error).map(({ _message }) => _message);
    const listeners = messages.length > 0 ? this._events.of("batch") : [];
    const copy = () => [...messages]; // a listener may sort or empty its own
    const wait = all(listeners, (listener) => this.#attempt("batch", listener, copy, undefined, 1));
    return then(wait, () => this.#each(items, 0));
  }

  #each(items: Item<T>[], from: number): Promise<unknown> | void {
    for (let i = from; i < items.length && !this._ended; i++) {
      const { _run, _message, _error } = items[i]!;
      if (_error) this._error(_error, _message);
      const listeners = _error ? [] : this._events.of("message");
      const wait = all(listeners, (listener) => this.#attempt("message", listener, () => _message, _message, 1));
      if (!wait) {
        this.#processed(_run);
        continue;
      }
      return this.#processedAfter(wait, _run).then(() => this.#each(items, i + 1));
    }
  }

  async #processedAfter(wait: Promise<unknown>, run: Run): Promise<void> {
    await wait;
    this.#pulled = undefined;
    this.#processed(run);
  }

  /** The first message of the queue is processed. */
  #processed(run: Run): void {
    if (this._ended) return;
    const { _frame, _stream, _epoch, _positionId } = run;
    const position = positionAfter(run._next++, _frame, _epoch, _positionId);
    this._position = position;
    this.#count(_stream, 1, 1, position);
    if (run._next === _frame.ids.length) this._queue.shift();
  }

  /** Dispatches to one listener, and again if it fails and is to be tried again. */
  #attempt<V>(
    event: "message" | "batch",
    listener: (value: V) => unknown,
    value: () => V,
    message: Message<T> | undefined,
    attempt: number,
  ): Promise<unknown> | void {
    return guard(
      () => listener(value()),
      (error) => {
        this._error(error, message);
        if (attempt >= this._attempts || this._ended) return;
        return this.#pause().then(() => {
          const listeners: readonly unknown[] = this._events.of(event);
          if (this._ended || !listeners.includes(listener)) return; // removed meanwhile
          return this.#attempt(event, listener, value, message, attempt + 1);
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
      const timer = setTimeout(done, this._delayMs);
      this._onEnd.add(done);
    });
  }

  #gap(gap: Gap, position: Position): Promise<unknown> | void {
    if (this._events.of("gap").length === 0) {
      this.#logger.warn(`seamline: channel "${this._name}": messages are lost:`, gap);
    }
    return then(this._emit("gap", gap), () => {
      if (!this._ended) this._position = position;
    });
  }
}

function copyOf({ epoch, offset, id }: Position): Position {
  return { epoch, offset, ...(id && { id }) };
}

function messageAt<T>({ _frame: { n, ids, data, replay } }: Run, i: number): Message<T> {
  return { id: ids[i]!, offset: n + i, data: data[i] as T, replayed: replay === true };
}

/** The position after message `i` of a frame. Its id is the message's own by default. */
export function positionAfter(i: number, { n, ids }: Frame, epoch: string, id = ids[i]): Position {
  return id ? { epoch, offset: n + i, id } : { epoch, offset: n + i };
}
