import { randomName } from "../random.js";
import type { Position } from "../types.js";

/** A message; its payload is JSON text. */
export interface LogMessage {
  id: string;
  offset: number;
  json: string;
  key?: string | undefined;
}

/** What becomes of an append: a new message, the one that was stored under its key, or another one has its key. */
export type Appended = { is: "new" | "known"; message: LogMessage } | { is: "conflict" };

/** The log of a channel. */
export class Log {
  epoch = randomName().slice(16);
  head = 0;
  /** Those that the log still has. The last one has the offset `head`. */
  #messages: LogMessage[] = [];
  /** The messages of all keys. A key outlives a message that is trimmed. */
  #keys = new Map<string, LogMessage>();
  #lastId = { ms: 0, seq: 0 };

  /** The offset of the oldest message; `head + 1` if there is none. */
  get first(): number {
    return this.head - this.#messages.length + 1;
  }

  /** Appends a message, unless its key is known. */
  append(json: string, key?: string): Appended {
    const known = key === undefined ? undefined : this.#keys.get(key);
    // Of a message that is trimmed, only the key is left.
    if (known && known.json !== json && known.offset >= this.first) return { is: "conflict" };
    if (known) return { is: "known", message: known };
    const message = { id: this.#nextId(), offset: ++this.head, json, ...(key === undefined ? {} : { key }) };
    this.#messages.push(message);
    if (key !== undefined) this.#keys.set(key, message);
    return { is: "new", message };
  }

  /** The messages after an offset, at most so many. */
  after(offset: number, max = Number.POSITIVE_INFINITY): LogMessage[] {
    const from = Math.max(0, offset - this.first + 1);
    return this.#messages.slice(from, from + max);
  }

  /** The newest messages before an offset, at most so many. */
  before(offset: number, max: number): LogMessage[] {
    const to = Math.max(0, Math.min(offset, this.head + 1) - this.first);
    return this.#messages.slice(Math.max(0, to - max), to);
  }

  trim(upTo: number): void {
    this.#messages = this.after(upTo);
  }

  rewind(head: number): void {
    this.#messages = this.#messages.filter(({ offset }) => offset <= head);
    this.head = head;
    for (const [key, { offset }] of this.#keys) if (offset > head) this.#keys.delete(key);
  }

  replace(): void {
    this.epoch = randomName().slice(16);
    this.head = 0;
    this.#messages = [];
    this.#keys.clear();
  }

  /** The position at one of the ends. */
  end(end: "start" | "tail"): Position {
    return { epoch: this.epoch, offset: end === "start" ? this.first - 1 : this.head };
  }

  /** Ids only increase, also if the clock is set back. */
  #nextId(): string {
    const { ms, seq } = this.#lastId;
    const now = Date.now();
    this.#lastId = now > ms ? { ms: now, seq: 0 } : { ms, seq: seq + 1 };
    return `${this.#lastId.ms}-${this.#lastId.seq}`;
  }
}
