import type { ChannelPort } from "../channel.js";
import { messageOf } from "../error.js";
import { guard } from "../guard.js";
import { same } from "../start-point.js";
import { readRecords } from "../storage/reading.js";
import { within } from "../storage/within.js";
import type { Transaction } from "../transaction.js";
import type { Position } from "../types.js";
import { sameVersion } from "../version.js";
import { checkMethods, checkOptions } from "./check.js";
import { owned, transactionFailed } from "./failure.js";
import type { AnyChannel, AnyDispatcher } from "./handle.js";
import { positionOf } from "./position.js";
import { beginAfter } from "./start.js";

/** Where {@link storedPositions} keeps positions: a `Storage` of the entry `seamline/storage`, or your own. */
export interface PositionStorage {
  /** Reads the records of a table whose keys start with `prefix`. */
  read(table: string, prefix?: string): Promise<readonly { readonly key: string; readonly value: unknown }[]>;
  /** Stores records. */
  write(changes: readonly { readonly table: string; readonly key: string; readonly value: unknown }[]): Promise<void>;
}

/** Options of {@link storedPositions}. */
export interface PositionsOptions {
  /** Whose positions these are, if several pages with positions of their own share the storage. Default: none. */
  name?: string | undefined;
}

type Listener = (...args: unknown[]) => unknown;

const TABLE = "positions";
/** How long after a message its position is written. */
const WRITE_AFTER_MS = 500;

/**
 * Stores how far each channel was processed, so that it continues there after a reload. Pass the result as the option
 * `positions` of `connect`, or as the option `transaction` of a channel. It applies to handles without `from`.
 *
 * The position is stored up to half a second after the message. After a crash, the messages of that time come again.
 * With {@link indexedDbTransaction} and the others, none does.
 */
export function storedPositions(storage: PositionStorage, options: PositionsOptions = {}): Transaction {
  checkMethods("the storage of positions", storage, "read", "write");
  checkOptions("storedPositions", options, ["name"]);
  const { name = "" } = options;
  const channels = new Map<string, ChannelPositions>();
  return {
    kind: "transaction",
    seamline: sameVersion("storage of positions"),
    _attach: (channel, { from }) => {
      if (from !== undefined) return;
      const key = JSON.stringify([name, channel.name]);
      let positions = channels.get(key);
      if (!positions) channels.set(key, (positions = new ChannelPositions(storage, key)));
      positions._add(channel);
    },
  };
}

/** The position of one channel, of all handles that have no start point of their own. */
class ChannelPositions {
  #storage: PositionStorage;
  #key: string;
  /** Those that are open. */
  #handles = new Set<AnyDispatcher>();
  /** What is stored, or will be with the next write. */
  #position: Position | undefined;
  /** Until it is over, no handle begins. */
  #reading: Promise<void> | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #hasFailed = false;
  #port: ChannelPort | undefined;

  constructor(storage: PositionStorage, key: string) {
    this.#storage = storage;
    this.#key = key;
  }

  _add(channel: AnyChannel): void {
    const handle = channel._dispatcher;
    this.#port = channel._port;
    beginAfter(channel, () => this.#begin(handle));
    const events = handle._events;
    const add = events.on as (event: string, listener: Listener, ...rest: unknown[]) => () => void;
    const on: typeof add = (event, listener, ...rest) => {
      const isForMessages = (event === "message" || event === "batch") && typeof listener === "function";
      const wrapped = (...args: unknown[]) => {
        const soon = () => this.#soon(handle);
        soon();
        const result = listener(...args);
        void guard(() => result, soon)?.then(soon);
        return result;
      };
      return add.call(events, event, isForMessages ? wrapped : listener, ...rest);
    };
    Object.assign(events, { on });
  }

  /** Where a handle begins: where others are, where the last one ended, or where the page before this one ended. */
  async #begin(handle: AnyDispatcher): Promise<Position | undefined> {
    this.#handles.add(handle);
    handle._onEnd.add(() => this.#ended(handle));
    if (!this.#position) await (this.#reading ??= this.#read(handle));
    const isFollowed = [...this.#handles].some((other) => other !== handle && other._position);
    return isFollowed ? undefined : this.#position;
  }

  async #read(handle: AnyDispatcher): Promise<void> {
    try {
      const records = await readRecords(this.#storage, TABLE, this.#key);
      const value = records.find(({ key }) => key === this.#key)?.value;
      this.#position ??= positionOf(value, handle._name);
    } catch (error) {
      this.#reading = undefined;
      this.#failed(handle, error);
    }
  }

  #ended(handle: AnyDispatcher): void {
    if (this.#handles.size === 1) void this.#write(handle); // it is the last one
    this.#handles.delete(handle);
  }

  #soon(handle: AnyDispatcher): void {
    this.#timer ??= setTimeout(() => void this.#write(handle), WRITE_AFTER_MS);
  }

  async #write(handle: AnyDispatcher): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const position = this.#least();
    if (!position || same(position, this.#position)) return;
    this.#position = position;
    try {
      await within(() => this.#storage.write([{ table: TABLE, key: this.#key, value: position }]));
      this.#hasFailed = false;
    } catch (error) {
      this.#failed(handle, error);
    }
  }

  /** What all handles have processed. While they are in two histories of the log, nothing can be compared. */
  #least(): Position | undefined {
    let least: Position | undefined;
    for (const { _position } of this.#handles) {
      if (least && _position && least.epoch !== _position.epoch) return undefined;
      if (!least || (_position && _position.offset < least.offset)) least = _position;
    }
    return least;
  }

  /** Reports it once: the channel goes on, and only what is stored is old. */
  #failed(handle: AnyDispatcher, error: unknown): void {
    if (this.#hasFailed) return;
    this.#hasFailed = true;
    const what = `cannot use the stored position of channel "${handle._name}"`;
    const why = `${messageOf(error)}; the channel continues, and may repeat messages after a reload`;
    handle._error(owned(this.#port!, transactionFailed(what, why, error)));
  }
}
