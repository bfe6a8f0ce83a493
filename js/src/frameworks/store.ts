import type { ChannelOptions, Gap, Message, StateSource } from "../types.js";
import { type AppClient, ChannelRef } from "./channel-ref.js";
import { type Followed, type Follower, follow } from "./outbox.js";
import { notify, Pacer } from "./pacer.js";

/** A value that changes. A snapshot keeps its identity until the value has changed. @internal */
export interface Store<S> {
  getSnapshot: () => S;
  /** Adds a listener, which is called after each change. The returned function removes it. */
  subscribe: (listener: () => void) => () => void;
}

/** The options of a list of messages. */
export interface MessagesOptions<T = unknown> extends ChannelOptions<T> {
  /**
   * Where the list begins; see {@link ChannelOptions.from}. Not `state(…)`: a state is not a list of messages. Follow
   * such a channel with `useChannel` or `createChannel`.
   */
  from?: Exclude<ChannelOptions<T>["from"], StateSource> | undefined;
  /** How many messages the list keeps: the newest. Default 500. */
  limit?: number | undefined;
}

/** Lost messages, and their place in the list. */
export interface ListedGap extends Gap {
  /** The id of the message before the gap. `undefined` if the gap is before all messages. */
  after: string | undefined;
}

/** A list of a channel's messages, and the state of the channel. */
export interface Messages<T> {
  /** The newest messages, oldest first, up to `limit`. Each message object keeps its identity. */
  readonly messages: readonly Message<T>[];
  /** The gaps among these messages. */
  readonly gaps: readonly ListedGap[];
  /** Whether the list is up to date: the connection is open, and the replay has reached the live stream. */
  readonly isLive: boolean;
  /** The channel's last error since it became live: the server or `validate` rejected something. */
  readonly error: unknown;
}

/** The list before anything has arrived, and on a server that renders the page. @internal */
export const NO_MESSAGES: Messages<never> = { messages: [], gaps: [], isLive: false, error: undefined };

const LIMIT = 500;
/** The shortest time between two notifications: one frame of the screen, and more during a replay. */
const LIVE_PAUSE_MS = 16;
const REPLAY_PAUSE_MS = 100;

/**
 * A list of a channel's messages. It follows the channel from its first listener to its last. With the next listener
 * it continues after the last message in the list, so that nothing is missing or repeated.
 *
 * @internal
 */
export class MessageStore<T = unknown> implements Store<Messages<T>>, Follower {
  readonly #client: AppClient | undefined;
  readonly #channel: ChannelRef<T>;
  readonly #limit: number;
  readonly #listeners = new Set<() => void>();
  readonly #pacer = new Pacer(() => this.#notify());
  #snapshot: Messages<T> = NO_MESSAGES;
  #messages = NO_MESSAGES.messages as readonly Message<T>[];
  /** Messages that are not in the list yet. */
  #arrived: Message<T>[] = [];
  #gaps = NO_MESSAGES.gaps;
  #isLive = false;
  #error: unknown;
  /** The last offset that arrived or was lost, and that of the snapshot. */
  #offset = 0;
  #shownOffset = 0;
  #outbox: Followed | undefined;
  #stop = () => {};

  /** Without a client, the list stays empty. */
  constructor(client: AppClient | undefined, name: string, { limit = LIMIT, ...options }: MessagesOptions<T> = {}) {
    if ((options.from as Partial<StateSource> | undefined)?.kind) {
      throw new RangeError('invalid option "from": state(…); a list has no state: follow the channel instead');
    }
    if (!(limit >= 1)) throw new RangeError(`invalid option "limit": ${limit}; pass a number of at least 1`);
    this.#client = client;
    this.#limit = limit;
    this.#channel = new ChannelRef<T>(client, name, options);
  }

  getSnapshot = (): Messages<T> => this.#snapshot;

  subscribe = (listener: () => void): (() => void) => {
    const entry = () => listener(); // the same listener may come twice
    if (this.#client && this.#listeners.size === 0) this.#start(this.#client);
    this.#listeners.add(entry);
    return () => {
      if (this.#listeners.delete(entry) && this.#listeners.size === 0) this.#stop();
    };
  };

  _hasPassed(offset: number): boolean {
    return offset <= this.#shownOffset;
  }

  #start(client: AppClient): void {
    const offs = [
      this.#channel.on("error", (error, message) => this.#failed(error, message)),
      this.#channel.on("gap", (gap) => this.#lost(gap)),
      this.#channel.on("live", () => this.#caughtUp()),
      this.#channel.on("batch", (messages) => this.#add(messages)),
      client.on("state", ({ name }) => name !== "open" && this.#setLive(false)),
    ];
    const outbox = follow(client, this.#channel.name, this);
    this.#outbox = outbox;
    this.#stop = () => {
      for (const off of offs) off();
      this.#isLive = false;
      this.#pacer._stop();
      this.#commit();
      outbox._leave();
    };
    // React may have read the snapshot before the list stopped, and reads it again only when it is notified.
    this.#pacer._change(LIVE_PAUSE_MS);
  }

  #add(messages: readonly Message<T>[]): void {
    const last = messages.at(-1)!;
    this.#offset = Math.max(this.#offset, last.offset);
    this.#arrived.push(...messages);
    // Bounded. Not at each batch, because it moves as many as the list keeps.
    if (this.#arrived.length >= this.#limit) this.#append();
    const pauseMs = last.replayed ? REPLAY_PAUSE_MS : LIVE_PAUSE_MS;
    // If the page's own message is among them, the answer to its publication is near.
    if (this.#outbox?._hasPending()) this.#pacer._changeLater(pauseMs);
    else this.#pacer._change(pauseMs);
  }

  #lost(gap: Gap): void {
    const before = this.#arrived.at(-1) ?? this.#messages.at(-1);
    this.#gaps = [...this.#gaps, { ...gap, after: before?.id }].slice(-this.#limit);
    if (gap.reason === "trimmed" || gap.reason === "hole") {
      this.#offset = Math.max(this.#offset, gap.to ?? 0);
    } else {
      // The log was replaced, and numbers its messages from the start.
      this.#offset = this.#shownOffset = 0;
      this.#outbox?._forgetStored();
    }
    this.#pacer._change(LIVE_PAUSE_MS);
  }

  #caughtUp(): void {
    this.#error = undefined;
    // Past the start point, which may be behind a publication: its message is not part of this list.
    this.#offset = Math.max(this.#offset, this.#channel.position?.offset ?? 0);
    this.#setLive(true);
  }

  #setLive(isLive: boolean): void {
    this.#isLive = isLive;
    this.#pacer._changeNow(LIVE_PAUSE_MS);
  }

  #failed(error: unknown, message?: Message<T>): void {
    this.#error = error;
    if (message) this.#offset = Math.max(this.#offset, message.offset); // it will not be in the list
    this.#pacer._changeNow(LIVE_PAUSE_MS);
  }

  #notify(): void {
    this.#commit();
    // First, so that a publication leaves the list of pending ones when its message enters this one.
    this.#outbox?._settle();
    notify(this.#listeners);
  }

  /** Makes the snapshot current. What has not changed keeps its identity. */
  #commit(): void {
    const before = this.#snapshot;
    if (this.#arrived.length > 0) this.#append();
    this.#shownOffset = this.#offset;
    const now = { messages: this.#messages, gaps: this.#gaps, isLive: this.#isLive, error: this.#error };
    const isSame = (Object.keys(now) as (keyof Messages<T>)[]).every((key) => now[key] === before[key]);
    if (!isSame) this.#snapshot = now;
  }

  #append(): void {
    const all = [...this.#messages, ...this.#arrived];
    this.#arrived = [];
    this.#messages = all.slice(-this.#limit);
    if (all.length === this.#messages.length) return;
    const ids = new Set(this.#messages.map(({ id }) => id));
    const gaps = this.#gaps.filter(({ after }) => after !== undefined && ids.has(after));
    if (gaps.length < this.#gaps.length) this.#gaps = gaps;
  }
}
