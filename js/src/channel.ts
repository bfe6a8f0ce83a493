import { Emitter } from "./emitter.js";
import type { Frame } from "./engine.js";
import { SeamlineError } from "./error.js";
import { checkPublishOptions } from "./options.js";
import type { ChannelOptions, Gap, Logger, Message, Position } from "./types.js";

/** The events of a channel. A `message` or `gap` listener may return a promise: the channel waits for it. */
export type ChannelEvents<T> = {
  /** A message, once, in order. */
  message: (message: Message<T>) => unknown;
  /** Messages are lost; told before anything that comes after them. */
  gap: (gap: Gap) => unknown;
  /** An ephemeral event, as it comes. */
  cast: (data: unknown) => unknown;
  /** The replay has met the live stream: the channel is up to date. */
  live: () => unknown;
  /** A listener failed with `message`, or the server refused something. */
  error: (error: unknown, message?: Message<T>) => unknown;
};

/** What a channel needs of its client. @internal */
export interface ChannelPort {
  /** Called at the first listener: who only publishes is sent nothing. */
  subscribe(): void;
  processed(count: number, position: Position): void;
  publish(data: unknown, key: string | undefined): Promise<{ id: string; offset: number }>;
  cast(data: unknown): void;
  close(): void;
  logger: Logger;
}

/** What waits for the application, in the channel's order. */
type Entry =
  | { kind: "batch"; frame: Frame; next: number }
  | { kind: "gap"; gap: Gap; position: Position }
  | { kind: "attached"; position: Position }
  | { kind: "live" };

/**
 * A channel of a client; subscribed to as soon as someone listens. Messages wait until there is a `message` listener or an iterator. A message counts
 * as processed, and {@link Channel.position} moves, when every listener has returned, every promise
 * that a listener returned is settled, and every iterator has asked for the next message.
 */
export class Channel<T = unknown> implements AsyncIterable<Message<T>> {
  /** The channel's name. */
  readonly name: string;
  #port: ChannelPort;
  #attempts: number;
  #delayMs: number;
  #events = new Emitter<ChannelEvents<T>>("message", "gap", "cast", "live", "error");
  #queue: Entry[] = [];
  #position: Position | undefined;
  /** Messages processed that the wasm has not heard of. */
  #unreported = 0;
  #busy = false;
  /** Settled when what was handed out last has counted. */
  #settling: Promise<unknown> | undefined;
  #closed = false;
  #subscribed = false;
  #ends = new Set<() => void>();

  /** @internal */
  constructor(name: string, options: ChannelOptions, port: ChannelPort) {
    this.name = name;
    this.#port = port;
    this.#attempts = options.redeliver?.attempts ?? 1;
    this.#delayMs = options.redeliver?.delayMs ?? 1000;
    if (typeof options.from === "object") this.#position = { ...options.from };
  }

  /** Everything up to here was processed; hand it to `from` to go on here. Not known before the server answers. */
  get position(): Position | undefined {
    return this.#position && { ...this.#position };
  }

  /** The id of the last message that was processed, where it is known. */
  get lastMessageId(): string | undefined {
    return this.#position?.id;
  }

  /** Listens to an event; the returned function stops that. */
  on<E extends keyof ChannelEvents<T>>(event: E, listener: ChannelEvents<T>[E]): () => void {
    const off = this.#events.on(event, listener);
    if (event !== "error") this.#subscribe();
    if (event === "message") this.#run();
    return off;
  }

  /**
   * Publishes a message. The promise is resolved when the log has it; until then it is sent again on
   * each new connection, under the same idempotency key, of which the log stores one.
   */
  publish(data: unknown, options: { key?: string } = {}): Promise<{ id: string; offset: number }> {
    try {
      checkPublishOptions(options);
      if (this.#closed) throw new SeamlineError("closed", "the channel is closed");
    } catch (error) {
      return Promise.reject(error);
    }
    return this.#port.publish(data, options.key);
  }

  /**
   * Sends an ephemeral event to the others who are here now. It is dropped where it cannot go at once.
   * Throws for what JSON cannot hold, and for what is larger than the server takes.
   */
  cast(data: unknown): void {
    if (!this.#closed) this.#port.cast(data);
  }

  /** Ends the subscription. Nothing is told any more, and iterators end. */
  close(): void {
    if (this.#closed) return;
    this.#report(); // a handler may close the channel in the middle of a frame
    this.#closed = true;
    this.#queue = [];
    for (const end of this.#ends) end();
    this.#port.close();
  }

  /**
   * The messages, one after the other; each counts as processed when the next one is asked for, or when the
   * loop is left.
   */
  [Symbol.asyncIterator](): AsyncIterableIterator<Message<T>> {
    type Result = IteratorResult<Message<T>, undefined>;
    const done: Result = { value: undefined, done: true };
    /** Every `next()` that has no answer yet. */
    const waiting: ((result: Result) => void)[] = [];
    let ended = this.#closed;
    let stop: (() => void) | undefined;
    let finish: (() => void) | undefined;
    // It listens from the first `next()` on, so that a message never comes when nobody waits for it.
    const take = (message: Message<T>) => {
      waiting.shift()?.({ value: message, done: false });
      return waiting.length > 0 ? undefined : new Promise<void>((resolve) => (finish = resolve));
    };
    const end = () => {
      ended = true;
      stop?.();
      this.#ends.delete(end);
      for (const next of waiting.splice(0)) next(done);
      finish?.();
    };
    this.#subscribe();
    if (!ended) this.#ends.add(end);
    return {
      [Symbol.asyncIterator]() {
        return this;
      },
      next: () => {
        if (ended) return Promise.resolve(done);
        return new Promise<Result>((resolve) => {
          waiting.push(resolve);
          finish?.();
          stop ??= this.on("message", take);
        });
      },
      return: async () => {
        // Another listener may take its time over the message; ours has counted when the loop is left.
        const alone = finish && this.#events.of("message").length === 1;
        const last = this.#settling;
        end();
        if (alone) await last;
        return done;
      },
    };
  }

  /** @internal */
  _deliver(frame: Frame, skip: number): void {
    this.#push({ kind: "batch", frame, next: skip });
  }

  /** @internal */
  _gap(gap: Gap, position: Position): void {
    this.#push({ kind: "gap", gap, position });
  }

  /** @internal */
  _attached(position: Position): void {
    this.#push({ kind: "attached", position });
  }

  /** @internal */
  _live(): void {
    // A server may say so often while the application is busy.
    if (this.#queue.at(-1)?.kind !== "live") this.#push({ kind: "live" });
  }

  /** @internal */
  _cast(data: unknown): void {
    this.#tell("cast", data);
  }

  /** @internal */
  _error(error: unknown, message?: Message<T>): void {
    if (this.#events.of("error").length === 0) {
      this.#port.logger.error?.(`seamline: channel "${this.name}":`, error);
    }
    this.#tell("error", error, message);
  }

  #subscribe(): void {
    if (this.#subscribed || this.#closed) return;
    this.#subscribed = true;
    this.#port.subscribe();
  }

  #push(entry: Entry): void {
    if (this.#closed) return;
    this.#queue.push(entry);
    this.#run();
  }

  /** Works off the queue, entry by entry, until it is empty or something is to be waited for. */
  #run(): void {
    if (this.#busy) return;
    this.#busy = true;
    for (;;) {
      const wait = this.#step();
      if (wait === "idle") break;
      if (wait) {
        this.#settling = wait;
        void wait.then(() => {
          this.#busy = false;
          this.#run();
        });
        return;
      }
    }
    this.#busy = false;
  }

  #step(): Promise<unknown> | "idle" | undefined {
    const entry = this.#queue[0];
    if (!entry) return "idle";
    if (entry.kind === "batch") return this.#batch(entry.frame, entry);
    this.#queue.shift();
    if (entry.kind === "live") {
      this.#tell("live");
    } else if (entry.kind === "attached") {
      this.#position = entry.position;
    } else {
      return this.#tellGap(entry.gap, entry.position);
    }
    return undefined;
  }

  /** Hands out messages of a frame until one is to be waited for. The wasm hears of the others in one call. */
  #batch(frame: Frame, entry: { next: number }): Promise<unknown> | "idle" | undefined {
    const { n, ids, data } = frame;
    const replayed = frame.replay === true;
    let wait: Promise<unknown> | undefined;
    while (entry.next < ids.length && !wait && !this.#closed) {
      const listeners = this.#events.of("message");
      if (listeners.length === 0) break;
      const i = entry.next++;
      const message = { id: ids[i]!, offset: n + i, data: data[i] as T, replayed };
      wait = this.#hand(message, listeners);
      if (!wait) this.#moved(i, frame);
    }
    if (this.#closed) return "idle";
    const last = entry.next - 1;
    const done = this.#unreported;
    if (entry.next === ids.length) this.#queue.shift();
    this.#report();
    if (!wait) return done > 0 ? undefined : "idle";
    return wait.then(() => {
      this.#moved(last, frame);
      this.#report();
    });
  }

  #moved(i: number, { n, ids, at = ids[i]! }: Frame): void {
    this.#position = { epoch: this.#position?.epoch ?? "", offset: n + i, ...(at && { id: at }) };
    this.#unreported++;
  }

  /** Tells the wasm how far the application is. */
  #report(): void {
    if (this.#unreported > 0) this.#processed(this.#unreported);
  }

  #processed(count: number): void {
    this.#unreported = 0;
    if (!this.#closed && this.#position) this.#port.processed(count, this.#position);
  }

  /** Hands a message to every listener; a promise, if there is something to wait for. */
  #hand(message: Message<T>, listeners: readonly ChannelEvents<T>["message"][]): Promise<unknown> | undefined {
    let waits: Promise<unknown>[] | undefined;
    for (const listener of listeners) {
      const wait = this.#attempt(message, listener, 1);
      if (wait) (waits ??= []).push(wait);
    }
    return waits && Promise.all(waits);
  }

  /** Hands a message to one listener, and again if it fails and is to be tried again. Never rejects. */
  #attempt(message: Message<T>, listener: ChannelEvents<T>["message"], attempt: number): Promise<unknown> | undefined {
    const failed = (error: unknown): Promise<unknown> | undefined => {
      this._error(error, message);
      if (attempt >= this.#attempts || this.#closed) return undefined;
      return new Promise((resolve) => setTimeout(resolve, this.#delayMs)).then(() =>
        this.#closed || !this.#events.of("message").includes(listener)
          ? undefined // it has gone meanwhile
          : this.#attempt(message, listener, attempt + 1),
      );
    };
    try {
      const result = listener(message);
      return isThenable(result) ? Promise.resolve(result).then(undefined, failed) : undefined;
    } catch (error) {
      return failed(error);
    }
  }

  #tellGap(gap: Gap, position: Position): Promise<unknown> | undefined {
    if (this.#events.of("gap").length === 0) {
      this.#port.logger.warn?.(`seamline: channel "${this.name}": messages are lost:`, gap);
    }
    const wait = this.#tell("gap", gap);
    const done = () => {
      this.#position = position;
      this.#processed(0);
    };
    if (wait) return wait.then(done);
    done();
    return undefined;
  }

  /** Tells every listener of an event, whatever the others do; a promise, if there is something to wait for. */
  #tell<E extends keyof ChannelEvents<T>>(
    event: E,
    ...args: Parameters<ChannelEvents<T>[E]>
  ): Promise<unknown> | undefined {
    const report = (error: unknown) => {
      if (event === "error") this.#port.logger.error?.("seamline: an error listener failed:", error);
      else this._error(error);
    };
    let waits: Promise<unknown>[] | undefined;
    for (const listener of this.#events.of(event)) {
      try {
        const result = (listener as (...args: unknown[]) => unknown)(...args);
        if (isThenable(result)) (waits ??= []).push(Promise.resolve(result).catch(report));
      } catch (error) {
        report(error);
      }
    }
    return waits && Promise.all(waits);
  }
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof (value as PromiseLike<unknown> | null | undefined)?.then === "function";
}
