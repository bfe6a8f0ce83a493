import { type Answer, Call, Start } from "./boundary.js";
import type { Calls } from "./calls.js";
import { knownId } from "./frames.js";
import type { From } from "./start-point.js";
import { Subscription, type SubscriptionPort } from "./subscription.js";
import { allowed } from "./text.js";
import type { Position } from "./types.js";

/** How many channels without a handle are remembered. For others, the server decides. */
const LEFT_MAX = 1000;

/** A client's subscriptions: one for each channel that a handle listens to. */
export class Subscriptions implements SubscriptionPort {
  readonly _replays: boolean;
  #calls: Calls;
  #byName = new Map<string, Subscription>();
  /** Those that the wasm knows, by its id. */
  #byId = new Map<number, Subscription>();

  /**
   * What the last handle of a channel had processed, by the channel's name, oldest first. The server may not have this
   * position yet, and may never get it: an acknowledgement can be lost when a connection ends.
   */
  #left: Map<string, Position>;

  constructor(calls: Calls, replays: boolean, left: Map<string, Position>) {
    this.#calls = calls;
    this._replays = replays;
    this.#left = left;
  }

  /** The subscription with the wasm's id, if it is still there. */
  _get(id: number): Subscription | undefined {
    return this.#byId.get(id);
  }

  /** The subscription to a channel; a new one for its first handle. */
  _of(name: string): Subscription {
    let subscription = this.#byName.get(name);
    if (!subscription) this.#byName.set(name, (subscription = new Subscription(name, this, this.#left.get(name))));
    return subscription;
  }

  /** Ends all of them. */
  _end(): void {
    for (const subscription of [...this.#byName.values()]) subscription._end();
  }

  _connects(): unknown {
    return this.#calls._call(Call.Stat, 0);
  }

  _soon(call: () => void): void {
    this.#calls._soon(call);
  }

  _subscribe(subscription: Subscription, from: From, messages: boolean): Answer {
    if (!this._replays) this._makeRoom(); // a connection of the plain dialect carries one channel
    const start = from === "start" ? Start.Start : from === "tail" ? Start.Tail : Start.LastKnown;
    const { epoch = "", offset = start, id } = typeof from === "object" ? from : ({} as Partial<Position>);
    const kind = messages ? Call.Subscribe : Call.SubscribeToCasts;
    const answer = this.#calls._call(kind, 0, allowed(subscription._name), epoch, offset, 0, this.#known(id));
    if (typeof answer === "number") this.#byId.set(answer, subscription);
    return answer;
  }

  _unsubscribe(id: number): void {
    if (this.#byId.delete(id)) this.#calls._call(Call.Unsubscribe, id);
  }

  _processed(id: number, count: number, { epoch, offset, id: messageId }: Position): void {
    this.#calls._call(Call.Processed, id, "", epoch, offset, count, this.#known(messageId));
  }

  /** In the plain dialect, the wasm reads the id itself. */
  #known(id: string | undefined): string | undefined {
    return this._replays ? knownId(id) : id;
  }

  _makeRoom(): boolean {
    // One is enough: each channel that the server rejects asks for room itself.
    return [...this.#byName.values()].some((subscription) => subscription._endLinger());
  }

  _ended({ _name }: Subscription, position: Position | undefined): void {
    this.#byName.delete(_name);
    if (!position) return;
    const left = this.#left;
    left.delete(_name);
    left.set(_name, position);
    if (left.size > LEFT_MAX) left.delete(left.keys().next().value!);
  }
}
