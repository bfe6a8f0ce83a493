// A stand-in for a server that has a log with an epoch, a start and a head, and replays it in frames of random size, as
// far as the client's credit allows. Everything random comes from a seed.
import { FakeServer } from "./server.mjs";

/** Random numbers of a seed: `below(n)` is 0 to n − 1. */
export function random(seed) {
  let state = seed;
  const next = () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
  const below = (n) => Math.floor(next() * n);
  return { below, pick: (list) => list[below(list.length)] };
}

export class LogServer extends FakeServer {
  first = 1;
  /** Payloads; the message at place `i` has the offset `i + 1`. Each is unique, and names its epoch. */
  messages = [];
  /** Where the log began, by epoch, whenever that changed. */
  firsts = [["e0", 1]];
  /** The one subscription. */
  feed;
  #epochs = 0;
  #count = 0;

  /** Makes a server, and every WebSocket from now on one to it. */
  static install(rng) {
    const server = Object.assign(new LogServer(), FakeServer.install(), { rng, epoch: "e0" });
    const Base = globalThis.WebSocket;
    globalThis.WebSocket = class extends Base {
      send(text) {
        setImmediate(() => this === server.sockets.at(-1) && !this.dead && server.#receive(JSON.parse(text)));
      }
    };
    return server;
  }

  get head() {
    return this.messages.length;
  }

  get isLive() {
    return this.feed?.live === true;
  }

  publish() {
    this.messages.push(`${this.epoch}/${++this.#count}`);
    if (this.isLive) this.#run(this.head, this.head, false);
  }

  /** Ends the connection, and changes the log before there is another one. */
  disconnect(change = () => {}) {
    if (this.sockets.length === 0) return;
    this.sockets.at(-1).dead = true;
    this.feed = undefined;
    change();
    this.firsts.push([this.epoch, this.first]);
    this.drop();
  }

  replace() {
    Object.assign(this, { epoch: `e${++this.#epochs}`, first: 1, messages: [] });
  }

  rewind() {
    this.messages.length = Math.max(this.first - 1, this.head - 1 - this.rng.below(4));
  }

  trim() {
    this.first = Math.min(this.head + 1, this.first + 1 + this.rng.below(4));
  }

  sub({ ch, position, from, credit, ref }) {
    const { epoch, first, head } = this;
    const resumed = position?.epoch === epoch && position.offset >= first - 1 && position.offset <= head;
    const isRewound = position?.epoch === epoch && position.offset > head;
    const at = resumed ? position.offset : (position ? isRewound : from !== "start") ? head : first - 1;
    this.feed = { ch, ref, sent: at, credit, live: false };
    this.send({ op: "subd", ch, epoch, first, head, at, ref, resumed });
    this.#replay(this.feed);
  }

  unsub() {
    this.feed = undefined;
  }

  more({ credit }) {
    if (this.feed) this.feed.credit += credit;
  }

  #receive(frame) {
    this.received.push(frame);
    this[frame.op]?.(frame);
  }

  /** A frame for each turn. */
  #replay(feed) {
    setImmediate(() => {
      if (this.feed !== feed) return;
      const count = Math.min(1 + this.rng.below(4), this.head - feed.sent, feed.credit);
      feed.credit -= count;
      if (count > 0) this.#run(feed.sent + 1, feed.sent + count, true);
      if (feed.sent < this.head) return this.#replay(feed);
      feed.live = true;
      this.send({ op: "live", ch: feed.ch, head: this.head, ref: feed.ref });
    });
  }

  #run(from, to, replay) {
    const data = this.messages.slice(from - 1, to);
    const ids = data.map((text) => `${text.split("/")[1]}-0`);
    this.feed.sent = to;
    this.send({ op: "msgs", ch: this.feed.ch, n: from, ids, data, ...(replay && { replay }) });
  }
}
