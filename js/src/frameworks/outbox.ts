import type { SeamlineError } from "../error.js";
import { randomName } from "../random.js";
import type { Published, StoredPublication } from "../types.js";
import { type AppClient, connected } from "./channel-ref.js";
import { notify } from "./pacer.js";
import type { Store } from "./store.js";

/** A publication that did not fail. */
interface NotFailed {
  readonly error?: undefined;
  readonly retry?: undefined;
  readonly discard?: undefined;
}

/** A publication whose message is not in the list yet. */
export type Publication<T> = {
  /** Identifies the publication, also to the server: it is the idempotency key. */
  readonly key: string;
  /** The payload. */
  readonly data: T;
} & (
  | (NotFailed & {
      /** The server has not answered. */
      readonly status: "pending";
    })
  | (NotFailed & {
      /** The log has stored it. Its message will arrive. */
      readonly status: "sent";
      readonly id: string;
      readonly offset: number;
    })
  | {
      /** The server or the client rejected it. */
      readonly status: "failed";
      readonly error: unknown;
      /** Publishes it again under the same key: if the log has it after all, it is not stored twice. */
      readonly retry: () => void;
      /** Removes it from the list. */
      readonly discard: () => void;
    }
);

/** A list of a channel's messages, for the outbox of that channel. @internal */
export interface Follower {
  /** Whether the message with this offset has been shown, or is lost. */
  _hasPassed(offset: number): boolean;
}

/** No publications. @internal */
export const NO_PUBLICATIONS: readonly Publication<never>[] = [];

/** Publications of one channel of a client. All components that publish there share it. */
class Outbox {
  _publications: readonly Publication<unknown>[] = NO_PUBLICATIONS;
  readonly _listeners = new Set<() => void>();
  readonly _followers = new Set<Follower>();
  readonly #client: AppClient;
  readonly #name: string;
  /** The keys of what the client's outbox has, if it has one. */
  #kept = new Set<string>();
  #ignoreOutbox: (() => void) | undefined;

  constructor(client: AppClient, name: string) {
    this.#client = client;
    this.#name = name;
  }

  get _isIdle(): boolean {
    return this._publications.length + this._listeners.size + this._followers.size === 0;
  }

  _publish(data: unknown, key = randomName()): void {
    this.#put({ key, data, status: "pending" });
    void this.#send(key, data).then(
      ({ id, offset }) => this.#put({ key, data, status: "sent", id, offset }),
      (error) => this.#failed(key, data, error),
    );
  }

  /** Adds a listener. While there is one, the list also has what earlier pages have left in the client's outbox. */
  _listen(listener: () => void): () => void {
    this._listeners.add(listener);
    if (!this.#ignoreOutbox) {
      this.#ignoreOutbox = this.#client.outbox?.on("change", () => this.#takeOver());
      this.#takeOver();
    }
    return () => {
      this._listeners.delete(listener);
      if (this._listeners.size > 0) return;
      this.#ignoreOutbox?.();
      this.#ignoreOutbox = undefined;
    };
  }

  /** Removes the publications whose messages are in a list, or that no list waits for. */
  _settle(): void {
    this.#set(this._publications);
  }

  /** Removes all publications that were stored. */
  _forgetStored(): void {
    this.#set(this._publications.filter(({ status }) => status !== "sent"));
  }

  /** Sends it, or waits for the answer if the client's outbox has it. */
  async #send(key: string, data: unknown): Promise<Published> {
    const kept = this.#outbox().find((stored) => stored.key === key);
    return kept ? this.#client.outbox!.retry(kept) : this.#client.channel(this.#name).publish(data, { key });
  }

  /** What the client's outbox has for this channel. */
  #outbox(): readonly StoredPublication[] {
    return this.#client.outbox?.list().filter(({ channel }) => channel === this.#name) ?? [];
  }

  #takeOver(): void {
    const stored = this.#outbox();
    const before = this.#kept;
    this.#kept = new Set(stored.map(({ key }) => key));
    // Discarded elsewhere.
    const isGone = ({ key, status }: Publication<unknown>) =>
      status === "failed" && before.has(key) && !this.#kept.has(key);
    this.#set(this._publications.filter((publication) => !isGone(publication)));
    for (const { key, data, status, error } of stored) {
      const shown = this._publications.find((publication) => publication.key === key);
      if (status === "failed") {
        if (!shown) this.#failed(key, data, error);
      } else if (!shown || shown.status === "failed") this._publish(data, key);
    }
  }

  #remove(key: string): void {
    this.#set(this._publications.filter((publication) => publication.key !== key));
  }

  #failed(key: string, data: unknown, error: unknown): void {
    if ((error as Partial<SeamlineError> | null)?.code === "discarded") return this.#remove(key);
    const take = (then: () => void) => () => {
      if (this._publications.includes(failed)) then(); // a second click changes nothing
    };
    const failed: Publication<unknown> = {
      key,
      data,
      status: "failed",
      error,
      retry: take(() => this._publish(data, key)),
      discard: take(() => {
        this.#client.outbox?.discard({ channel: this.#name, key });
        this.#remove(key);
      }),
    };
    this.#put(failed);
    if (this._listeners.size === 0) console.error(`seamline: channel "${this.#name}":`, error);
  }

  #put(publication: Publication<unknown>): void {
    const isKnown = this._publications.some(({ key }) => key === publication.key);
    const replaced = this._publications.map((other) => (other.key === publication.key ? publication : other));
    this.#set(isKnown ? replaced : [...replaced, publication]);
  }

  #set(publications: readonly Publication<unknown>[]): void {
    const next = publications.filter(
      (publication) => publication.status !== "sent" || this.#awaits(publication.offset),
    );
    const before = this._publications;
    if (next.length === before.length && next.every((publication, i) => publication === before[i])) return;
    this._publications = next;
    notify(this._listeners);
    release(this.#client, this.#name);
  }

  #awaits(offset: number): boolean {
    return this._followers.size > 0 && ![...this._followers].some((follower) => follower._hasPassed(offset));
  }
}

const outboxes = new WeakMap<AppClient, Map<string, Outbox>>();

function outboxOf(client: AppClient, name: string): Outbox {
  let byName = outboxes.get(client);
  if (!byName) outboxes.set(client, (byName = new Map()));
  let outbox = byName.get(name);
  if (!outbox) byName.set(name, (outbox = new Outbox(client, name)));
  return outbox;
}

/** Forgets an outbox that nobody needs. */
function release(client: AppClient, name: string): void {
  const byName = outboxes.get(client);
  if (byName?.get(name)?._isIdle) byName.delete(name);
}

/** Publishes to a channel, and lists what its lists of messages do not show yet. @internal */
export class Publisher<T = unknown> implements Store<readonly Publication<T>[]> {
  readonly #client: AppClient | undefined;
  readonly #name: string;

  /** Without a client, nothing can be published. */
  constructor(client: AppClient | undefined, name: string) {
    this.#client = client;
    this.#name = name;
  }

  /** Publishes a message. The list shows what becomes of it. */
  publish = (data: T): void => outboxOf(connected(this.#client), this.#name)._publish(data);

  getSnapshot = (): readonly Publication<T>[] => {
    const found = this.#client && outboxes.get(this.#client)?.get(this.#name);
    return (found?._publications ?? NO_PUBLICATIONS) as readonly Publication<T>[];
  };

  subscribe = (listener: () => void): (() => void) => {
    const client = this.#client;
    if (!client) return () => {};
    const entry = () => listener(); // the same listener may come twice
    const stop = outboxOf(client, this.#name)._listen(entry);
    return () => {
      stop();
      release(client, this.#name);
    };
  };
}

/** The publications of a channel, for a list of its messages. @internal */
export interface Followed {
  /** Whether an answer is expected. */
  _hasPending(): boolean;
  /** Removes the publications whose messages are in a list. */
  _settle(): void;
  /** Removes all publications that were stored: the log no longer has their messages. */
  _forgetStored(): void;
  /** The list ends. */
  _leave(): void;
}

/** A list of messages begins: the channel's publications wait for it. @internal */
export function follow(client: AppClient, name: string, follower: Follower): Followed {
  const followed = outboxOf(client, name);
  followed._followers.add(follower);
  return {
    _hasPending: () => followed._publications.some(({ status }) => status === "pending"),
    _settle: () => followed._settle(),
    _forgetStored: () => followed._forgetStored(),
    _leave: () => {
      followed._followers.delete(follower);
      followed._settle();
      release(client, name);
    },
  };
}
