import type { Entry } from "./entries.js";
import { put, TABLE } from "./record.js";
import type { StorageChange } from "./types.js";

/** The pauses between attempts to write to a storage that fails. */
const RETRY_MS_MIN = 5_000;
const RETRY_MS_MAX = 600_000;
/** The most changes in one write: others may have to wait for it. */
const CHANGES_MAX = 500;

/** Whether a pause is over. If it seems longer than it is, the clock was set back. */
export function isOver(until: number, now: number, pauseMs: number): boolean {
  return now >= until || until - now > pauseMs;
}

/** By its place: the publication to write, or nothing to remove it. */
type Changes = Map<string, Entry | undefined>;

/** The changes that the storage does not have yet. Those that gather during a write are written together. */
export class Writes {
  #pending: Changes = new Map();
  #inFlight: Changes | undefined;
  /** The records that the storage may have. */
  #stored = new Set<string>();
  #failure: { pauseMs: number; retryAt: number } | undefined;

  /** Whether the storage failed the last time. */
  get _hasFailed(): boolean {
    return this.#failure !== undefined;
  }

  /** Whether there is something to write. */
  get _isNeeded(): boolean {
    return this.#pending.size > 0;
  }

  /** When to try again, if it failed. */
  get _retryAt(): number {
    return this.#inFlight || !this.#failure ? Number.POSITIVE_INFINITY : this.#failure.retryAt;
  }

  /** Whether there is something to write for a place. */
  _isPending(place: string): boolean {
    return this.#pending.has(place) || (this.#inFlight?.has(place) ?? false);
  }

  _mayWrite(now: number): boolean {
    const isPaused = this.#failure && !isOver(this.#failure.retryAt, now, this.#failure.pauseMs);
    return !this.#inFlight && !isPaused;
  }

  /** The storage has this record. */
  _has(place: string): void {
    this.#stored.add(place);
  }

  _put(entry: Entry): void {
    this.#pending.delete(entry._place); // a later change comes later
    this.#pending.set(entry._place, entry);
  }

  _remove(place: string): void {
    this.#pending.delete(place);
    if (this.#stored.has(place) || this.#inFlight?.has(place)) this.#pending.set(place, undefined);
  }

  /** The next changes to write. */
  _take(): StorageChange[] {
    const taken = [...this.#pending].slice(0, CHANGES_MAX);
    if (taken.length === 0) return [];
    for (const [place] of taken) this.#pending.delete(place);
    this.#inFlight = new Map(taken);
    return taken.map(([place, entry]) => (entry ? put(place, entry._stored) : { table: TABLE, key: place }));
  }

  /** The storage works. Returns the publications that are written now. */
  _succeeded(): Entry[] {
    const done: Changes = this.#inFlight ?? new Map();
    this.#inFlight = undefined;
    for (const [place, entry] of done) {
      if (entry) this.#stored.add(place);
      else this.#stored.delete(place);
    }
    this._recover();
    // One that was moved meanwhile is written at its new place later.
    return [...done].flatMap(([place, entry]) => (entry?._place === place ? [entry] : []));
  }

  _recover(): void {
    this.#failure = undefined;
  }

  /**
   * The storage does not work. What was being written is written later, unless that has been superseded. A write may
   * have taken effect although it failed, so its records must be removed like others.
   */
  _failed(now: number): void {
    const pauseMs = Math.min(RETRY_MS_MAX, this.#failure ? 2 * this.#failure.pauseMs : RETRY_MS_MIN);
    this.#failure = { pauseMs, retryAt: now + pauseMs };
    for (const [place, entry] of this.#inFlight ?? []) if (entry) this.#stored.add(place);
    this.#pending = new Map([...(this.#inFlight ?? []), ...this.#pending]);
    this.#inFlight = undefined;
  }
}
