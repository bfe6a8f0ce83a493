import type { Answer, Frame } from "./boundary.js";
import { type Dispatcher, positionAfter } from "./dispatcher.js";
import { SeamlineError } from "./error.js";
import type { ChannelOptions, Gap, Position } from "./types.js";

export type From = ChannelOptions["from"];
// biome-ignore lint/suspicious/noExplicitAny: handles of one channel may give its messages different types
type AnyDispatcher = Dispatcher<any>;

/** What a subscription needs of its client. @internal */
export interface SubscriptionPort {
  /** Calls back in a microtask, or as soon as the wasm is loaded. */
  _soon(call: () => void): void;
  /** Subscribes; with `messages` or only for casts. Returns the id, or why that was refused. */
  _subscribe(subscription: Subscription, from: From, messages: boolean): Answer;
  _unsubscribe(id: number): void;
  _processed(id: number, count: number, position: Position): void;
  /** Nobody listens any more. */
  _ended(subscription: Subscription): void;
}

/** A subscription that the wasm knows. */
interface Open {
  /** The wasm's id; 0 if the wasm refused it. */
  _id: number;
  /** Whether it fetches messages. */
  _messages: boolean;
  _live: boolean;
  /** Why the server refused the channel, until it is live: a handle that joins late gets this error, too. */
  _error?: unknown;
}

/**
 * The connection's subscription to one channel, which all handles of that name share. What counts as
 * processed, and is acknowledged to the server, is what every handle that follows messages has processed.
 */
export class Subscription {
  readonly _name: string;
  #port: SubscriptionPort;
  /** What is known while it is subscribed. */
  #open: Open | undefined;
  /** Every handle that listens. */
  #handles = new Set<Dispatcher>();
  /** Those of them that follow messages. */
  #followers = new Set<Dispatcher>();
  /** Those that requested the tail during a replay, and follow from its end. */
  #atLive = new Set<Dispatcher>();
  /** The start point that the first follower requested. */
  #from: From;
  /** Everything up to here has arrived. */
  #position: Position | undefined;
  #arrived = { _messages: 0, _steps: 0 };
  #processed = { _messages: 0, _steps: 0 };

  constructor(name: string, port: SubscriptionPort) {
    this._name = name;
    this.#port = port;
  }

  /** A handle listens, with `messages` also to those. Throws if the messages after its start point have passed. */
  _join(handle: AnyDispatcher, messages: boolean): void {
    const known = this.#handles.has(handle);
    const follows = this.#followers.has(handle) || this.#atLive.has(handle);
    if (known && (follows || !messages)) return;
    if (messages) this.#follow(handle);
    this.#handles.add(handle);
    handle._subscription = this;
    // Later: the next listener of this turn may be the first one for messages.
    this.#port._soon(() => {
      if (!known && this.#open?._live) handle._live();
      if (!known && this.#open?._error) handle._rejected(this.#open._error);
      this.#subscribe();
    });
  }

  /** A handle is closed. */
  _leave(handle: AnyDispatcher): void {
    this.#handles.delete(handle);
    this._report();
    this.#followers.delete(handle);
    this.#atLive.delete(handle);
    if (this.#handles.size === 0) {
      this.#unsubscribe();
      this.#port._ended(this);
    } else if (this.#followers.size > 0) {
      this._report(); // the others may be ahead of it
    } else if (this.#open?._messages) {
      this.#unsubscribe();
      for (const waiting of this.#atLive) this.#follow(waiting);
      this.#atLive.clear();
      this.#port._soon(() => this.#subscribe());
    }
  }

  /** The client is closed: so are all handles. */
  _end(): void {
    for (const handle of this.#handles) handle._end();
  }

  /** Passes on what every follower has processed. */
  _report(): void {
    let slowest: Dispatcher | undefined;
    for (const handle of this.#followers) {
      if (!slowest || handle._steps < slowest._steps) slowest = handle;
    }
    if (!this.#open || !slowest?._position || slowest._steps === this.#processed._steps) return;
    const { _messages, _steps, _position } = slowest;
    const count = _messages - this.#processed._messages;
    this.#processed = { _messages, _steps };
    this.#port._processed(this.#open._id, count, _position);
  }

  _attached(position: Position): void {
    this.#position = position;
    for (const handle of this.#followers) handle._position = position;
  }

  /** Messages came. `positionId` is the id of the position after them, if that is not the last one's own. */
  _deliver(frame: Frame, skip: number, positionId?: string): void {
    const count = frame.ids.length - skip;
    this.#position = positionAfter(frame.ids.length - 1, frame, this.#position, positionId);
    this.#arrived._messages += count;
    this.#arrived._steps += count;
    if (frame.replay === true && this.#open) this.#open._live = false;
    // A copy, here and below: a handle that joins inside a handler begins after this.
    for (const handle of [...this.#followers]) handle._deliver(frame, skip, positionId);
  }

  _gap(gap: Gap, position: Position): void {
    this.#position = position;
    this.#arrived._steps++;
    for (const handle of [...this.#followers]) handle._gap(gap, position);
  }

  _live(): void {
    if (this.#open) {
      this.#open._live = true;
      this.#open._error = undefined;
    }
    for (const handle of this.#atLive) this.#enter(handle);
    this.#atLive.clear();
    for (const handle of [...this.#handles]) handle._live();
  }

  _cast(data: unknown): void {
    for (const handle of [...this.#handles]) void handle._emit("cast", data);
  }

  _error(error: unknown): void {
    if (this.#open && !this.#open._live) this.#open._error = error;
    for (const handle of [...this.#handles]) handle._rejected(error);
  }

  #follow(handle: Dispatcher): void {
    const from = handle._from;
    if (this.#followers.size === 0) {
      this.#from = from;
      this.#position = typeof from === "object" ? from : undefined;
      this.#arrived = { _messages: 0, _steps: 0 };
      this.#processed = { _messages: 0, _steps: 0 };
    }
    const first = this.#arrived._steps === 0 && same(from, this.#from);
    if (first || from === undefined || same(from, this.#position) || (from === "tail" && this.#open?._live)) {
      this.#enter(handle);
    } else if (from === "tail") {
      this.#atLive.add(handle);
    } else {
      throw new SeamlineError(
        "already_subscribed",
        `cannot start channel "${this._name}" at \`from\`: another handle is past it; ` +
          "omit `from`, or use another client",
      );
    }
  }

  /** The handle gets what arrives from now on. */
  #enter(handle: Dispatcher): void {
    this.#followers.add(handle);
    Object.assign(handle, this.#arrived);
    handle._position = this.#position ?? handle._position;
  }

  #subscribe(): void {
    const messages = this.#followers.size > 0;
    if (this.#handles.size === 0 || this.#open?._messages === messages) return;
    this.#unsubscribe();
    const answer = this.#port._subscribe(this, this.#from, messages);
    this.#open = { _id: typeof answer === "number" ? answer : 0, _messages: messages, _live: false };
    if (answer instanceof SeamlineError) this._error(answer);
    // The socket's `send()` may have closed handles.
    if (this.#handles.size === 0) this.#unsubscribe();
    this.#subscribe();
  }

  #unsubscribe(): void {
    if (this.#open) this.#port._unsubscribe(this.#open._id);
    this.#open = undefined;
  }
}

function same(a: From, b: From): boolean {
  if (typeof a !== "object" || typeof b !== "object") return a === b;
  return a.epoch === b.epoch && a.offset === b.offset;
}
