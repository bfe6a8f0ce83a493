import { count, type Frame, write } from "./frames.js";

/** Where a tab begins, or goes on. */
type Place =
  | { readonly name: "start" }
  | { readonly name: "tail" }
  /** Everything up to `offset` has been sent to the tab. */
  | { readonly name: "after"; readonly epoch: string; readonly offset: number };

/** A tab that follows the channel. */
interface Follower {
  /** The tab's number of its subscription. */
  readonly ref: number | undefined;
  /** Whether a `subd` was sent to it. From then on it gets all frames. */
  isJoined: boolean;
  /** When it asked, in the order of this hub's requests. */
  readonly asked: number;
  place: Place;
  /** How many more replayed messages it accepts. Below zero if it got more than it had granted. */
  credit: number;
}

/** The subscription on the wire. */
type Wire =
  | { readonly name: "none" }
  /**
   * Waits for `subd`. Frames that arrive belong to the subscription before. `isReplaced`: that one began again by itself,
   * because the log was replaced, so they are of a history that no tab knows of yet.
   */
  | { readonly name: "requested"; readonly ref: number; readonly order: number; isReplaced: boolean }
  | { readonly name: "streaming"; readonly ref: number; readonly subd: Frame; cursor: number; isLive: boolean };

/** What a feed needs of its hub. `S` is a tab's virtual WebSocket. */
export interface FeedPort<S> {
  /** A number that no other request has. */
  number(): number;
  /** Sends a frame to the server. */
  request(frame: string): void;
  deliver(socket: S, frame: string): void;
}

/** How often in a row a subscription begins again because the log changed meanwhile. */
const ATTEMPTS_MAX = 3;
/** When a tab may subscribe again whose subscription has ended because of another tab's. */
const RETRY_MS = 1000;

/**
 * One channel: the subscriptions of all tabs as one on the wire.
 *
 * Frames are forwarded whole to every tab that has joined; each tab's client drops what it has had. A tab that needs
 * earlier messages makes the wire's subscription begin again there. So nothing is kept here but numbers.
 */
export class Feed<S> {
  readonly #followers = new Map<S, Follower>();
  #wire: Wire = { name: "none" };
  /** The wire's remaining credit: the most that any tab has. */
  #credit = 0;
  #attempts = 0;

  constructor(
    private readonly ch: string,
    private readonly port: FeedPort<S>,
  ) {}

  get isEmpty(): boolean {
    return this.#followers.size === 0;
  }

  /** The tabs that get all frames. */
  get joined(): S[] {
    return [...this.#followers].filter(([, { isJoined }]) => isJoined).map(([socket]) => socket);
  }

  /** A tab subscribes, or subscribes again. */
  subscribe(socket: S, frame: Frame): void {
    const { ref, position, from } = frame as {
      ref?: number;
      position?: { epoch: string; offset: number };
      from?: string;
    };
    const place: Place = position
      ? { name: "after", epoch: position.epoch, offset: count(position.offset) }
      : { name: from === "start" ? "start" : "tail" };
    const follower = { ref, isJoined: false, asked: this.port.number(), place, credit: count(frame.credit) };
    this.#followers.set(socket, follower);
    this.#attempts = 0;
    const edge = this.#edge(place);
    if (edge) return this.#joinLive(socket, follower, edge);
    if (this.#wire.name !== "requested") this.#begin();
  }

  /** A tab accepts more replayed messages. The fastest tab sets the pace: a slow one falls back to the log. */
  more(socket: S, credit: number): void {
    const follower = this.#followers.get(socket);
    if (!follower) return;
    follower.credit += credit;
    this.#grant(follower);
  }

  remove(socket: S): void {
    if (!this.#followers.delete(socket) || !this.isEmpty || this.#wire.name === "none") return;
    this.#wire = { name: "none" };
    this.port.request(write("unsub", { ch: this.ch }));
  }

  /** A frame of the server about this channel; `text` is the whole of it. */
  receive(frame: Frame, text: string): void {
    switch (frame.op) {
      case "subd":
        return this.#subscribed(frame);
      case "msgs":
        return this.#messages(frame, text);
      case "live":
        return this.#live(frame);
      case "err":
        return this.#error(frame, text);
      default:
        for (const socket of this.joined) this.port.deliver(socket, text);
    }
  }

  /** The `subd` of a live stream, if that is where a tab wants to begin. */
  #edge(place: Place): (Wire & { name: "streaming" }) | undefined {
    const wire = this.#wire;
    if (wire.name !== "streaming" || !wire.isLive) return undefined;
    const fits =
      place.name === "tail" ||
      (place.name === "after" && place.epoch === wire.subd.epoch && place.offset === wire.cursor);
    return fits ? wire : undefined;
  }

  /** Nothing has to be replayed. */
  #joinLive(socket: S, follower: Follower, { subd, cursor }: Wire & { name: "streaming" }): void {
    const { ref } = follower;
    this.#join(socket, follower, { ...subd, head: cursor, at: cursor }, cursor);
    this.port.deliver(socket, write("live", { ch: this.ch, head: cursor, ref }));
  }

  /** The wire has as much credit as the tab that has most. With less, a tab could wait for what nobody requests. */
  #grant({ credit }: Follower): void {
    const missing = credit - this.#credit;
    if (missing <= 0 || this.#wire.name === "none") return;
    this.#credit += missing;
    this.port.request(write("more", { ch: this.ch, credit: missing }));
  }

  #join(socket: S, follower: Follower, subd: Frame, after: number): void {
    follower.isJoined = true;
    this.#grant(follower);
    follower.place = { name: "after", epoch: subd.epoch as string, offset: after };
    this.port.deliver(socket, JSON.stringify({ ...subd, ref: follower.ref }));
  }

  /** Begins the subscription on the wire, again if there is one, where the tab begins that is furthest behind. */
  #begin(from: Place = this.#earliest()): void {
    const order = this.port.number();
    this.#wire = { name: "requested", ref: order, order, isReplaced: false };
    this.#credit = Math.max(0, ...[...this.#followers.values()].map(({ credit }) => credit));
    const { name, ...position } = from;
    const begin = name === "after" ? { position } : { from: name };
    this.port.request(write("sub", { ch: this.ch, credit: this.#credit, ref: order, ...begin }));
  }

  #earliest(): Place {
    const places = [...this.#followers.values()].map(({ place }) => place);
    const start = places.find(({ name }) => name === "start");
    if (start) return start;
    const [first, ...others] = places.filter((place) => place.name === "after");
    if (!first) return { name: "tail" };
    // Positions of another epoch cannot be compared. What they need is known when the server has answered.
    const offsets = others.filter(({ epoch }) => epoch === first.epoch).map(({ offset }) => offset);
    return { ...first, offset: Math.min(first.offset, ...offsets) };
  }

  #subscribed(subd: Frame): void {
    const wire = this.#wire;
    if (wire.name === "requested" && wire.ref !== subd.ref) wire.isReplaced = true;
    if (wire.name === "none" || wire.ref !== subd.ref) return;
    const [epoch, at] = [subd.epoch as string, count(subd.at)];
    const order = wire.name === "requested" ? wire.order : Infinity;
    const waiting = [...this.#followers].filter(([, { asked, place }]) => asked > order && !isWithin(place, subd));
    const served = [...this.#followers].filter((entry) => !waiting.some(([socket]) => socket === entry[0]));
    const low = Math.min(...served.map(([, { place }]) => needed(place, subd)));
    if (low < at && ++this.#attempts <= ATTEMPTS_MAX) return this.#begin({ name: "after", epoch, offset: low });
    this.#wire = { name: "streaming", ref: wire.ref, subd, cursor: at, isLive: false };
    for (const [socket, follower] of served) {
      const after = needed(follower.place, subd);
      // A tab at the tail has nothing of a replay that is for others.
      this.#join(socket, follower, follower.place.name === "tail" ? { ...subd, at: after } : subd, after);
    }
    if (waiting.length > 0) this.#begin();
  }

  #messages(frame: Frame, text: string): void {
    if (this.#wire.name === "requested" && this.#wire.isReplaced) return;
    const length = Array.isArray(frame.ids) ? frame.ids.length : 0;
    const [from, to] = [count(frame.n), count(frame.n) + length - 1];
    if (this.#wire.name === "streaming") {
      this.#wire.cursor = Math.max(this.#wire.cursor, to);
      if (frame.replay === true) this.#credit -= length;
    }
    for (const [socket, follower] of this.#followers) {
      if (!follower.isJoined) continue;
      // As the tab's client counts it: below zero if the replay was for another tab, which accepts more.
      if (frame.replay === true) follower.credit -= length;
      const { place } = follower;
      // Beyond a hole, the tab asks for the messages before.
      if (place.name === "after" && from <= place.offset + 1 && to > place.offset)
        follower.place = { ...place, offset: to };
      this.port.deliver(socket, text);
    }
  }

  #live(frame: Frame): void {
    const wire = this.#wire;
    if (wire.name !== "streaming" || wire.ref !== frame.ref) return;
    wire.isLive = true;
    this.#attempts = 0;
    for (const [socket, { ref, isJoined }] of this.#followers) {
      if (isJoined) this.port.deliver(socket, JSON.stringify({ ...frame, ref }));
    }
  }

  /** The subscription was refused or has ended, or the error is only to be reported. */
  #error(frame: Frame, text: string): void {
    const wire = this.#wire;
    if (frame.ref === undefined) for (const socket of this.#followers.keys()) this.port.deliver(socket, text);
    if (wire.name === "none" || frame.ref !== wire.ref) return;
    const isRefused = wire.name === "requested" && frame.retry_after_ms === undefined;
    for (const [socket, { ref, isJoined }] of this.#followers) {
      // A running subscription ends only with a time after which the tab asks again, and is refused itself.
      const again = isRefused && isJoined ? { retry_after_ms: RETRY_MS } : {};
      this.port.deliver(socket, JSON.stringify({ ...frame, ...again, ref }));
    }
    if (!isRefused && frame.retry_after_ms === undefined) return;
    this.#wire = { name: "none" };
    this.#followers.clear();
  }
}

/** After which offset of the log, as it is now, a tab goes on: as its own client computes it. */
function needed(place: Place, { epoch, first, head }: Frame): number {
  const begin = count(first) - 1;
  if (place.name === "start") return begin;
  if (place.name === "tail") return count(head);
  return place.epoch === epoch ? Math.max(begin, Math.min(place.offset, count(head))) : begin;
}

/** Whether a tab that asked after the wire's `sub` was sent may have the answer to it: the log has its position. */
function isWithin(place: Place, { epoch, head, at }: Frame): boolean {
  return place.name === "after" && place.epoch === epoch && place.offset >= count(at) && place.offset <= count(head);
}
