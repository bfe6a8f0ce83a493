import { failed } from "../publications.js";
import type { Command, Setup } from "./commands.js";
import { Entries, type Entry } from "./entries.js";
import { divide, type Left, leftBy } from "./left.js";
import { type Failure, readRecord, sequenceOf } from "./record.js";
import type { StorageRecord } from "./types.js";
import { isOver, Writes } from "./writes.js";

/** How many publications may be on their way to the server. */
const WINDOW = 256;
/** How long to wait if the client's own outbox is full. */
const FULL_RETRY_MS = 1000;
/** How long to wait until it is known which other owners live. */
const DECIDE_MS = 5000;

const EXPIRED = "it could not be sent in time (expireMs); retry it if it still matters";

/**
 * What is known of the records that earlier pages have left: nothing until the first read is over; nothing for now,
 * because it failed; or all of them.
 */
type Reading = "first" | "failed" | "again" | "done";

/**
 * Decides what happens to publications that outlive the page, without any I/O. Calls report what has happened;
 * `_poll` returns what is to be done, in order; `_wakeAt` is when to call `_tick`.
 *
 * - A publication is written before it is sent, and its record is removed after the answer.
 * - Publications are sent in the order of their places. So all pages that send a channel's publications send them in
 *   the same order, and because the log stores one message per key, each is stored once and in its order. Owners only
 *   avoid that pages do this work twice.
 * - A page that sends a publication of a tab also sends what that tab has published before, if the storage still has it.
 *   So the order holds across reloads, whichever pages send what earlier ones have left.
 * - While the storage fails, publications are only kept here. They are written when it works again.
 */
export class Machine {
  readonly _entries: Entries;
  #setup: Setup;
  #writes = new Writes();
  #commands: Command[] = [{ do: "read" }];
  #reading: Reading = "first";
  /** The owners whose publications come before ours, unless they live. */
  #undecided = new Set<string>();
  #decideUntil = 0;
  /** The damaged records. A read that began before their removal has them again. */
  #damaged = new Set<string>();
  #isOpen = false;
  #sending = 0;
  /** Until when the client's own outbox counts as full. */
  #fullUntil = 0;

  constructor(setup: Setup) {
    this.#setup = setup;
    this._entries = new Entries(setup);
  }

  /** What is to be done next. */
  _poll(): Command | undefined {
    return this.#commands.shift();
  }

  /** When `_tick` is to be called, if nothing else happens. */
  _wakeAt(): number {
    const next = this._entries._next();
    const expiresAt = next ? next._stored.at + this.#setup._expireMs : Number.POSITIVE_INFINITY;
    const hasReason = this.#reading === "failed" || (this.#reading === "done" && this.#writes._isNeeded);
    const retryAt = hasReason ? this.#writes._retryAt : Number.POSITIVE_INFINITY;
    const decideUntil = this.#undecided.size > 0 ? this.#decideUntil : Number.POSITIVE_INFINITY;
    return Math.min(expiresAt, retryAt, decideUntil, this.#fullUntil || Number.POSITIVE_INFINITY);
  }

  /** Time has passed. */
  _tick(now: number): void {
    this.#step(now);
  }

  /** Whether what is published survives the page. */
  get _isDurable(): boolean {
    return !this.#writes._hasFailed;
  }

  /** Whether the publications of earlier pages are known, or cannot be known for now. */
  get _isReady(): boolean {
    return this.#reading !== "first" && this.#undecided.size === 0;
  }

  /** The storage has been read. */
  _read(records: readonly StorageRecord[], now: number): void {
    const isFirst = this.#reading === "first";
    this.#reading = "done";
    this.#writes._recover();
    const { ours, others } = divide(this.#unknown(records), this.#setup);
    for (const left of ours) this.#take(left);
    for (const owner of others) this.#commands.push({ do: "claim", owner });
    if (isFirst) {
      this.#undecided = others;
      this.#decideUntil = now + DECIDE_MS;
    }
    this.#storeEarly();
    this.#step(now);
  }

  _readFailed(error: unknown, now: number): void {
    if (this.#reading === "first") this.#commands.push({ do: "report", error });
    this.#reading = "failed";
    this.#storeEarly();
    this.#failed(now);
  }

  /** Another owner lives, and sends its publications itself. */
  _lives(owner: string, now: number): void {
    this.#undecided.delete(owner);
    this.#step(now);
  }

  /** Another owner does not live: its publications are this one's. */
  _adopt(owner: string, records: readonly StorageRecord[], now: number): void {
    for (const left of leftBy(owner, this.#unknown(records))) this.#take(left);
    this._lives(owner, now);
  }

  /** Accepts a publication, or returns why not. */
  _publish(channel: string, key: string, json: string, now: number): Entry | Failure {
    const { _owner, _tab } = this.#setup;
    const stored = { channel, key, json, at: now, owner: _owner, tab: _tab };
    const entry = this._entries._add(stored, (failed) => this.#remove(failed));
    if ("code" in entry) return entry;
    if (this.#reading !== "first") this.#storeEarly();
    this.#step(now);
    return entry;
  }

  _written(now: number): void {
    for (const entry of this.#writes._succeeded()) {
      const isWritten = entry._phase.name === "writing" && this._entries._includes(entry);
      if (isWritten) this._entries._set(entry, { name: "waiting" });
    }
    this.#step(now);
  }

  _writeFailed(error: unknown, now: number): void {
    if (this._isDurable) this.#commands.push({ do: "report", error });
    this.#failed(now);
  }

  /** Whether the client is connected. Until then publications wait here, where they can expire or be discarded. */
  _connection(isOpen: boolean, now: number): void {
    this.#isOpen = isOpen;
    this.#fullUntil = 0;
    this.#step(now);
  }

  /** The log has a publication. */
  _answered(entry: Entry, now: number): void {
    this.#sending--;
    this.#fullUntil = 0;
    this.#remove(entry);
    this.#step(now);
  }

  /** A publication was rejected. */
  _refused(entry: Entry, failure: Failure, now: number): void {
    const { code } = failure;
    this.#sending--;
    this.#fullUntil = code === "outbox_full" ? now + FULL_RETRY_MS : 0;
    // A client that is closed may be opened again, and otherwise the next page sends it.
    if (code === "closed" || code === "outbox_full") this._entries._set(entry, { name: "waiting" });
    // Wrong arguments: to send it again cannot help.
    else if (code === "bad_channel" || code === "bad_key") this.#remove(entry);
    else this.#fail(entry, failure);
    this.#step(now);
  }

  /** Sends a failed publication again, after the others. Returns whether it had failed. */
  _retry(entry: Entry, now: number): boolean {
    if (entry._phase.name !== "failed" || !this._entries._includes(entry)) return false;
    const { _owner, _tab } = this.#setup;
    const { failure: _, ...stored } = entry._stored;
    const before = entry._place;
    this._entries._moveToEnd(entry, { ...stored, at: now, owner: _owner, tab: _tab });
    this.#store(entry);
    this.#writes._remove(before); // after the new record, because the two may be in different writes
    this.#step(now);
    return true;
  }

  /** Removes a publication that is not on its way to the server. Returns whether it was removed. */
  _discard(entry: Entry, now: number): boolean {
    if (entry._phase.name === "sending" || !this._entries._includes(entry)) return false;
    this.#remove(entry);
    this.#step(now);
    return true;
  }

  /** The publications in these records that are not known here. Damaged records are removed. */
  #unknown(records: readonly StorageRecord[]): Left[] {
    const found: Left[] = [];
    for (const record of records) {
      const { key } = record;
      this._entries._skip(sequenceOf(key));
      if (this.#writes._isPending(key) || this._entries._at(key)) continue;
      const stored = readRecord(record);
      if (stored) found.push({ place: key, stored });
      else if (!this.#damaged.has(key)) {
        this.#damaged.add(key);
        this.#commands.push({ do: "damaged", record });
        this.#writes._has(key);
        this.#writes._remove(key);
      }
    }
    return found;
  }

  /** This page sends a publication of another one from now on. */
  #take({ place, stored }: Left): void {
    const { _owner } = this.#setup;
    this.#writes._has(place);
    const entry = this._entries._insert(place, { ...stored, owner: _owner });
    if (!stored.failure) this.#writes._put(entry);
  }

  #storeEarly(): void {
    for (const entry of this._entries._place()) this.#store(entry);
  }

  /** Writes a publication before it is sent. */
  #store(entry: Entry): void {
    this._entries._set(entry, { name: this._isDurable ? "writing" : "waiting" });
    this.#writes._put(entry);
  }

  #remove(entry: Entry): void {
    if (this._entries._remove(entry)) this.#writes._remove(entry._place);
  }

  #fail(entry: Entry, failure: Failure): void {
    entry._stored = { ...entry._stored, failure };
    this._entries._set(entry, { name: "failed", failure });
    this.#writes._put(entry);
    this.#commands.push({ do: "failed", entry, failure });
  }

  #failed(now: number): void {
    this.#writes._failed(now);
    for (const entry of this._entries) {
      if (entry._phase.name === "writing") this._entries._set(entry, { name: "waiting" });
    }
    this.#step(now);
  }

  #step(now: number): void {
    if (isOver(this.#decideUntil, now, DECIDE_MS)) this.#undecided.clear();
    this.#expire(now);
    this.#write(now);
    this.#send(now);
  }

  #expire(now: number): void {
    for (;;) {
      const next = this._entries._next();
      if (!next || next._stored.at + this.#setup._expireMs > now) return;
      const { channel, key } = next._stored;
      this.#fail(next, { code: "expired", message: failed(channel, key, EXPIRED) });
    }
  }

  #write(now: number): void {
    if (this.#reading === "first" || this.#reading === "again" || !this.#writes._mayWrite(now)) return;
    // What earlier pages have left is read before anything is written.
    if (this.#reading === "failed") {
      this.#reading = "again";
      this.#commands.push({ do: "read" });
      return;
    }
    const changes = this.#writes._take();
    if (changes.length > 0) this.#commands.push({ do: "write", changes });
  }

  #send(now: number): void {
    if (!this.#isOpen || !this._isReady || !isOver(this.#fullUntil, now, FULL_RETRY_MS)) return;
    this.#fullUntil = 0;
    const max = Math.min(WINDOW, this.#setup._clientMax);
    for (;;) {
      const next = this._entries._next();
      if (!next || this.#sending >= max) return;
      this.#sending++;
      this._entries._set(next, { name: "sending" });
      this.#commands.push({ do: "send", entry: next });
    }
  }
}
