import type { Answer, Frame } from "./boundary.js";
import { type Dispatcher, positionAfter, sliceEnd } from "./dispatcher.js";
import { SeamlineError } from "./error.js";
import { type From, join, type Stream } from "./start-point.js";
import type { Gap, Position } from "./types.js";

// biome-ignore lint/suspicious/noExplicitAny: handles of one channel may give its messages different types
type AnyDispatcher = Dispatcher<any, any>;

/**
 * How long a subscription stays after its last handle has closed. A component that a framework unmounts and mounts
 * again (React's StrictMode, hot reload, a change of routes) continues on it. It ends at once if another channel needs
 * its place.
 */
const LINGER_MS = 1000;

/** What a subscription needs of its client. @internal */
export interface SubscriptionPort {
  /** Whether a position can be replayed for one handle while others are at another. Not in the plain dialect. */
  readonly _replays: boolean;
  /** How many connections were opened. */
  _connects(): unknown;
  /** Calls back in a microtask, or as soon as the wasm is loaded. */
  _soon(call: () => void): void;
  /** Subscribes; with `messages` or only for casts. Returns the id, or why that was refused. */
  _subscribe(subscription: Subscription, from: From, messages: boolean): Answer;
  _unsubscribe(id: number): void;
  _processed(id: number, count: number, position: Position): void;
  /** Ends a subscription that lingers, if there is one. Returns whether it did. */
  _makeRoom(): boolean;
  /** Nobody listens any more. The next handle continues after `left`, if it is known. */
  _ended(subscription: Subscription, left: Position | undefined): void;
}

/** A stream that handles share. */
interface Shared extends Stream {
  /** How far it had arrived before it began again, or is now: where a handle without a start point begins. */
  _latest: Position | undefined;
  /** How much of it every follower has processed. */
  _processed: { _messages: number; _steps: number };
  /** It has begun again, for one handle: others do not get a second `live` on the same connection. */
  _isRepeated: boolean;
}

/** A subscription that the wasm knows. */
interface Open {
  /** The wasm's id; 0 if the wasm refused it. */
  _id: number;
  /** What it fetches; `undefined` if it is for casts only. */
  _stream: Shared | undefined;
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
  /** The messages that the followers share. It stays for a while after the last of them. */
  #stream: Shared | undefined;
  /** Every handle that listens. */
  #handles = new Set<AnyDispatcher>();
  /** Those of them that follow messages. */
  #followers = new Set<AnyDispatcher>();
  /** Those that will: at the tail, when the replay is over; elsewhere, when the server has answered. */
  #waiting = new Set<AnyDispatcher>();
  /** Followers are dispatching a frame: reported when all of them have returned. */
  #running = false;
  /** A report follows, after this turn or a moment later. */
  #soon = false;
  #later: ReturnType<typeof setTimeout> | undefined;
  /** What the last follower had processed when it closed. */
  #left: Position | undefined;
  #linger: ReturnType<typeof setTimeout> | undefined;

  constructor(name: string, port: SubscriptionPort, left?: Position) {
    this._name = name;
    this.#port = port;
    this.#left = left;
  }

  /** A handle listens, with `messages` also to those. Throws if the server cannot begin where the handle does. */
  _join(handle: AnyDispatcher, messages: boolean): void {
    const known = this.#handles.has(handle);
    const follows = this.#followers.has(handle) || this.#waiting.has(handle);
    if (known && (follows || !messages)) return;
    if (messages) this.#follow(handle);
    this.#handles.add(handle);
    handle._subscription = this;
    // Later: the next listener of this turn may be the first one for messages.
    this.#port._soon(() => {
      if (!known && this.#open?._live) handle._live(this.#port._connects());
      if (!known && this.#open?._error) handle._rejected(this.#open._error);
      this.#subscribe();
    });
  }

  /** A handle is closed. */
  _leave(handle: AnyDispatcher): void {
    this.#handles.delete(handle);
    this._report();
    this.#waiting.delete(handle);
    if (this.#followers.delete(handle)) this.#left = handle._position;
    if (this.#followers.size > 0) {
      this._report(); // the others may be ahead of it
    } else if (this.#waiting.size > 0) {
      const waiting = [...this.#waiting];
      this.#waiting.clear();
      this.#stream = undefined;
      for (const next of waiting) this.#follow(next);
      this.#port._soon(() => this.#subscribe());
    } else if (!this.#open && !this.#stream?._isRepeated) {
      this.#finish(); // it never began
    } else {
      clearTimeout(this.#linger);
      this.#linger = setTimeout(() => {
        if (this.#followers.size === 0 && (this.#stream || this.#handles.size === 0)) this.#finish();
      }, LINGER_MS);
      (this.#linger as { unref?(): void }).unref?.(); // it does not keep a Node process alive
    }
  }

  /** Ends it, if it only lingers. Returns whether it did. */
  _endLinger(): boolean {
    if (!this.#open || this.#handles.size > 0) return false;
    this.#finish();
    return true;
  }

  /** The client is closed: so are all handles. */
  _end(): void {
    for (const handle of this.#handles) handle._end();
    this.#finish();
  }

  /** Passes on what every follower has processed. */
  _report(): void {
    const stream = this.#stream;
    let slowest: AnyDispatcher | undefined;
    if (!stream || this.#open?._stream !== stream) return;
    for (const handle of this.#followers) {
      if (handle._steps === stream._processed._steps) return; // the usual case among many: not every one has moved
      if (!slowest || handle._steps < slowest._steps) slowest = handle;
    }
    if (!slowest?._at) return;
    const { _messages, _steps, _at } = slowest;
    const count = _messages - stream._processed._messages;
    stream._processed = { _messages, _steps };
    this.#port._processed(this.#open._id, count, _at);
  }

  /**
   * A handle has processed something, and many may have: reported once for all of them. If it is in the middle of
   * something, there will be more in a moment.
   */
  _reportSoon(isBusy: boolean): void {
    if (this.#running) return;
    if (isBusy) {
      this.#later ??= setTimeout(() => {
        this.#later = undefined;
        this._report();
      });
    } else if (!this.#soon) {
      this.#soon = true;
      queueMicrotask(() => {
        this.#soon = false;
        this._report();
      });
    }
  }

  _attached(position: Position): void {
    this.#arrived(0, 0, position);
    // The last follower may have closed before this answer: the next one gets what came after it.
    if (this.#stream && this.#followers.size === 0) this.#left ??= position;
    for (const handle of this.#followers) handle._attached(position);
    this.#run();
    const waiting = [...this.#waiting].filter((handle) => handle._from !== "tail");
    for (const handle of waiting) this.#follow(handle);
    if (waiting.length > 0) this.#port._soon(() => this.#subscribe());
  }

  /** Messages came. `positionId` is the id of the position after them, if that is not the last one's own. */
  _deliver(frame: Frame, skip: number, positionId?: string): void {
    const stream = this.#stream;
    if (!stream) return;
    const { length } = frame.ids;
    const epoch = stream._position?.epoch ?? "";
    this.#arrived(length - skip, length - skip, positionAfter(length - 1, frame, epoch, positionId));
    if (frame.replay === true && this.#open) this.#open._live = false;
    for (const handle of this.#followers) handle._deliver(stream, epoch, frame, skip, positionId);
    this.#run();
  }

  _gap({ reason }: Gap, position: Position): void {
    this.#arrived(0, 1, position, reason === "rewound");
    for (const handle of this.#followers) handle._gap(reason, position, this.#stream);
    this.#run();
  }

  _live(): void {
    if (this.#open) {
      this.#open._live = true;
      this.#open._error = undefined;
    }
    const stream = this.#stream;
    const position = stream?._position;
    if (position) {
      this.#arrived(0, 0, position, true);
      // The log ends here: what a handle has had beyond it is no longer there.
      for (const handle of this.#followers) handle._gap("rewound", position);
    }
    const waiting = [...this.#waiting].filter((handle) => handle._from === "tail");
    for (const handle of waiting) this.#enter(handle, position);
    const isRepeated = stream?._isRepeated;
    if (stream) stream._isRepeated = false;
    const connects = this.#port._connects();
    this.#run();
    for (const handle of [...this.#handles]) if (!isRepeated || handle._liveOn !== connects) handle._live(connects);
  }

  _cast(data: unknown): void {
    for (const handle of [...this.#handles]) if (!handle._ended) void handle._emit("cast", data);
  }

  _error(error: unknown): void {
    // The server allows no further channel. The wasm subscribes again when another one ends.
    const isFull = error instanceof SeamlineError && error.code === "too_many_channels";
    if (isFull && this.#port._makeRoom()) return;
    if (this.#open && !this.#open._live) this.#open._error = error;
    for (const handle of [...this.#handles]) handle._rejected(error);
  }

  #follow(handle: AnyDispatcher): void {
    const isAlone = this.#followers.size === 0;
    const from = handle._from ?? (isAlone ? this.#left : undefined);
    if (!this.#stream) this.#begin(from, handle);
    const stream = this.#stream!;
    const how = join(from, stream, this.#open?._live === true);
    if (how !== "here" && isAlone) {
      this.#begin(from, handle);
    } else if (how === "wait") {
      if (from !== "tail") this.#requireReplays();
      this.#waiting.add(handle);
      return;
    } else if (how !== "here") {
      this.#requireReplays();
      if (typeof how === "object") this.#begin(how._again, handle, stream._latest);
    }
    this.#enter(handle, typeof from === "object" ? from : from ? this.#stream!._position : this.#stream!._latest);
  }

  #requireReplays(): void {
    if (this.#port._replays) return;
    throw new SeamlineError(
      "not_supported",
      `cannot start channel "${this._name}" at \`from\`: in the plain dialect, only one handle can; ` +
        "omit `from`, or use another client",
    );
  }

  /** The handle gets what arrives from now on, as far as that is after its position. */
  #enter(handle: AnyDispatcher, position: Position | undefined): void {
    this.#waiting.delete(handle);
    this.#followers.add(handle);
    this.#left = undefined;
    clearTimeout(this.#linger);
    handle._begin(this.#stream!, position);
    this._report(); // what arrived while nobody followed
  }

  /** Begins a stream for a handle, in place of the one before. */
  #begin(from: From, first: AnyDispatcher, latest?: Position): void {
    this._report();
    first._liveOn = undefined;
    const none = { _messages: 0, _steps: 0 };
    const _position = typeof from === "object" ? from : undefined;
    const _isRepeated = this.#open !== undefined || this.#stream?._isRepeated === true;
    this.#unsubscribe();
    this.#stream = {
      _from: from,
      _position,
      ...none,
      _latest: latest ?? _position,
      _processed: none,
      _isRepeated,
    };
    for (const handle of this.#followers) handle._begin(this.#stream);
  }

  /** Counts what has arrived. */
  #arrived(messages: number, steps: number, position: Position, isEnd = false): void {
    const stream = this.#stream;
    if (!stream) return;
    stream._messages += messages;
    stream._steps += steps;
    stream._position = position;
    const { epoch, offset } = stream._latest ?? {};
    if (isEnd || epoch !== position.epoch || offset! <= position.offset) stream._latest = position;
  }

  /** After all of them have got something: a listener of one may close, open or join any. */
  #run(): void {
    this.#running = true;
    const until = sliceEnd();
    for (const handle of [...this.#followers]) handle._run(until);
    this.#running = false;
    this._report();
  }

  #subscribe(): void {
    const stream = this.#stream;
    if (this.#open ? this.#open._stream === stream : this.#handles.size === 0) return;
    this.#unsubscribe();
    const answer = this.#port._subscribe(this, stream?._from, stream !== undefined);
    this.#open = { _id: typeof answer === "number" ? answer : 0, _stream: stream, _live: false };
    if (answer instanceof SeamlineError) this._error(answer);
    // The socket's `send()` may have closed handles.
    if (this.#handles.size === 0) this.#unsubscribe();
    this.#subscribe();
  }

  #unsubscribe(): void {
    if (this.#open) this.#port._unsubscribe(this.#open._id);
    this.#open = undefined;
  }

  /** Ends what nobody has used for a while. */
  #finish(): void {
    clearTimeout(this.#linger);
    this.#stream = undefined;
    this.#unsubscribe();
    if (this.#handles.size === 0) this.#port._ended(this, this.#left);
    else this.#port._soon(() => this.#subscribe());
  }
}
