import { type Failure, placeOf, type Stored } from "./record.js";

/** What becomes of a publication. */
export type Phase =
  /** It is not written yet. */
  | { name: "writing" }
  /** It may be sent. */
  | { name: "waiting" }
  /** It was sent, and is not answered. */
  | { name: "sending" }
  | { name: "failed"; failure: Failure };

/** A publication in the outbox. */
export interface Entry {
  /** The key of its record; empty until the records of earlier pages are known, because it comes after them. */
  _place: string;
  _stored: Stored;
  _phase: Phase;
}

/** How much an outbox keeps, and for how long. */
export interface Limits {
  readonly _messages: number;
  readonly _bytes: number;
  readonly _expireMs: number;
}

/** The publications of this page, in the order of their places. */
export class Entries {
  /** Increases with each change. */
  _version = 0;
  /** Those with a place. */
  #all: Entry[] = [];
  /** Those of them that wait. */
  #waiting: Entry[] = [];
  /** Those without a place. */
  #early: Entry[] = [];
  /** The newest one under each key of a channel. */
  #byKey = new Map<string, Entry>();
  #bytes = 0;
  #sequence = 0;
  #limits: Limits;

  constructor(limits: Limits) {
    this.#limits = limits;
  }

  get _bytes(): number {
    return this.#bytes;
  }

  get _count(): number {
    return this.#all.length + this.#early.length;
  }

  *[Symbol.iterator](): Generator<Entry> {
    yield* this.#all;
    yield* this.#early;
  }

  _includes(entry: Entry): boolean {
    return entry._place ? this._at(entry._place) === entry : this.#early.includes(entry);
  }

  _at(place: string): Entry | undefined {
    const found = this.#all[indexOf(this.#all, place)];
    return found?._place === place ? found : undefined;
  }

  /** The newest one under a key. */
  _find(channel: string, key: string): Entry | undefined {
    return this.#byKey.get(nameOf({ channel, key }));
  }

  /** The first of those that wait. */
  _next(): Entry | undefined {
    return this.#waiting[0];
  }

  /** Later places come after this sequence number. */
  _skip(sequence: number): void {
    this.#sequence = Math.max(this.#sequence, sequence);
  }

  /** Adds a new one, without a place. If there is no room, the oldest failed ones make some. */
  _add(stored: Stored, drop: (failed: Entry) => void): Entry | Failure {
    const { _messages, _bytes } = this.#limits;
    const size = sizeOf(stored);
    const isFull = () => this._count >= _messages || this.#bytes + size > _bytes;
    while (isFull()) {
      const failed = this.#all.find(({ _phase }) => _phase.name === "failed");
      if (!failed) return { code: "outbox_full", message: "too many publications wait; try again later" };
      drop(failed);
    }
    const entry: Entry = { _place: "", _stored: stored, _phase: { name: "writing" } };
    this.#early.push(entry);
    this.#count(entry);
    return entry;
  }

  /** Assigns places to those without one. Returns them. */
  _place(): Entry[] {
    const placed = this.#early;
    this.#early = [];
    for (const entry of placed) this.#append(entry);
    return placed;
  }

  /** Moves one to the end. */
  _moveToEnd(entry: Entry, stored: Stored): void {
    this._remove(entry);
    entry._stored = stored;
    this.#count(entry);
    this.#append(entry);
  }

  /** Adds one of an earlier page. The limits do not apply to it. */
  _insert(place: string, stored: Stored): Entry {
    const { failure } = stored;
    const entry: Entry = { _place: place, _stored: stored, _phase: { name: "writing" } };
    insert(this.#all, entry);
    this.#count(entry);
    this._set(entry, failure ? { name: "failed", failure } : { name: "waiting" });
    return entry;
  }

  _set(entry: Entry, phase: Phase): void {
    if (entry._phase.name === "waiting") remove(this.#waiting, entry);
    entry._phase = phase;
    this._version++;
    if (phase.name === "waiting") insert(this.#waiting, entry);
  }

  /** Returns whether it was there. */
  _remove(entry: Entry): boolean {
    if (!this._includes(entry)) return false;
    this.#bytes -= sizeOf(entry._stored);
    this._version++;
    const name = nameOf(entry._stored);
    if (this.#byKey.get(name) === entry) this.#byKey.delete(name);
    if (entry._place) {
      remove(this.#all, entry);
      remove(this.#waiting, entry);
    } else this.#early.splice(this.#early.indexOf(entry), 1);
    return true;
  }

  #count(entry: Entry): void {
    this.#bytes += sizeOf(entry._stored);
    this.#byKey.set(nameOf(entry._stored), entry);
    this._version++;
  }

  #append(entry: Entry): void {
    entry._place = placeOf(++this.#sequence, entry._stored.owner);
    insert(this.#all, entry); // at the end, unless a record has a key that is not ours
  }
}

function nameOf({ channel, key }: { channel: string; key: string }): string {
  return `${channel.length} ${channel}${key}`;
}

function sizeOf({ channel, key, json }: Stored): number {
  return channel.length + key.length + json.length;
}

/** Where a place is in a list, or belongs. */
function indexOf(list: readonly Entry[], place: string): number {
  let [low, high] = [0, list.length];
  // Most are looked for at one of the ends.
  if (list[0] && place <= list[0]._place) return 0;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((list[middle] as Entry)._place < place) low = middle + 1;
    else high = middle;
  }
  return low;
}

function insert(list: Entry[], entry: Entry): void {
  list.splice(indexOf(list, entry._place), 0, entry);
}

function remove(list: Entry[], entry: Entry): void {
  const at = indexOf(list, entry._place);
  if (list[at] === entry) list.splice(at, 1);
}
