import { Feed } from "./feed.js";
import { count, type Frame, parse } from "./frames.js";
import type { HubPort } from "./hub-port.js";
import { identityOf, mismatch } from "./identity.js";
import type { ToHub } from "./messages.js";
import { Pings } from "./pings.js";
import { type Name, Publications } from "./publications.js";
import { Requests } from "./requests.js";
import { type VirtualSocket as Socket, virtualSocket } from "./virtual-socket.js";

/** The WebSocket to the server. */
type Wire =
  | { readonly name: "none" }
  | { readonly name: "opening" }
  /** Nothing is sent yet. */
  | { readonly name: "open" }
  /** The `hello` of a tab is sent. */
  | { readonly name: "greeted"; readonly by: Socket }
  | { readonly name: "welcomed"; readonly by: Socket; readonly welcome: string };

/** A token that the server has refused, and the tab that was asked for another one. */
interface Refused {
  readonly token: unknown;
  readonly tab: string;
}

const UNAUTHORIZED = 4401;
const FORBIDDEN = 4403;
const BAD_REQUEST = 4400;
/** For closes by the hub: no tab blames one of its publications for them. */
const GOING_AWAY = 1001;

/**
 * Carries the virtual WebSockets of all tabs on one WebSocket. A state machine: it has no clock and no timers, and acts
 * only through its port.
 *
 * Each tab has a complete client, with its positions, so the hub may forget everything at any time: the tabs reconnect
 * to another one and resume. It promises what a server promises, which is to skip nothing.
 */
export class Hub {
  readonly #sockets = new Map<string, Socket>();
  readonly #feeds = new Map<string, Feed<Socket>>();
  readonly #publications: Publications<Socket>;
  readonly #pings: Pings<Socket>;
  readonly #requests = new Requests<Socket>();
  #wire: Wire = { name: "none" };
  #numbers = 0;
  #refused: Refused | undefined;
  #now = 0;

  constructor(
    private readonly url: string,
    private readonly port: HubPort,
  ) {
    this.#publications = new Publications(
      (text) => port.send(text),
      () => this.#replace(),
    );
    this.#pings = new Pings(
      (text) => port.send(text),
      (socket, text) => this.#deliver(socket, text),
    );
  }

  /** A tab has sent a message. */
  receive(tab: string, message: ToHub, now: number): void {
    this.#now = now;
    if (message.type === "open") return this.#open(tab, message.socket, message.url);
    const socket = this.#sockets.get(message.socket);
    if (message.type === "send") {
      const frame = parse(message.text);
      if (socket && frame) this.#send(socket, frame, message.text);
    } else if (message.type === "got") socket?.flow.got(message.length, now);
    else if (socket) this.#left(socket);
  }

  /** A tab has ended, or has left. */
  tabGone(tab: string, now: number): void {
    this.#now = now;
    for (const socket of [...this.#sockets.values()]) if (socket.tab === tab) this.#left(socket, true);
    if (this.#refused?.tab === tab) this.#askForToken(this.#refused.token);
  }

  wireOpened(): void {
    if (this.#wire.name !== "opening") return;
    this.#wire = { name: "open" };
    for (const { tab, id } of this.#sockets.values()) this.port.post(tab, { type: "opened", socket: id });
  }

  wireReceived(data: unknown, now: number): void {
    this.#now = now;
    const frame = typeof data === "string" ? parse(data) : undefined;
    // What the protocol forbids goes to a client, which knows what to do about it.
    if (typeof data !== "string" || !frame) return this.#deliverAll(String(data));
    this.#pings.heard();
    if (frame.op === "welcome") return this.#welcomed(data);
    if (frame.op === "incoming") this.#pings.announced(data);
    else this.#dispatch(frame, data);
  }

  /** The WebSocket has closed, or could not be opened. */
  wireClosed(code: number, reason: string): void {
    const { name } = this.#wire;
    const shown = this.#publications.closed(code);
    const by = this.#wire.name === "greeted" || this.#wire.name === "welcomed" ? this.#wire.by : undefined;
    const sockets = this.#reset();
    if (code !== UNAUTHORIZED || !by?.hello) {
      for (const socket of sockets) this.#tellClosed(socket, shown, reason, false);
      return;
    }
    // One tab gets another token. After the server has accepted a token, all others keep theirs until then.
    const { token } = by.hello;
    const asked = sockets.includes(by) ? by : sockets[0];
    this.#refused = asked && { token, tab: asked.tab };
    for (const socket of sockets) {
      const isAsked = socket === asked || (name === "greeted" && socket.hello?.token === token);
      if (isAsked) this.#tellClosed(socket, code, reason, false);
      else this.#tellClosed(socket, GOING_AWAY, "the connection needs another token", true);
    }
  }

  /** The hub ends. The tabs learn of that from its tab: they must not reconnect to it. */
  end(): void {
    if (this.#wire.name !== "none") this.port.disconnect(1000);
    this.#reset();
  }

  #open(tab: string, id: string, url: string): void {
    if (url !== this.url) {
      const cure = "pass another `name` to tabs() for each URL";
      const reason = mismatch("the URL", url, this.url, cure);
      return this.port.post(tab, { type: "closed", socket: id, code: BAD_REQUEST, reason, moved: false });
    }
    this.#sockets.set(id, virtualSocket(tab, id));
    if (this.#wire.name === "none") {
      this.#wire = { name: "opening" };
      this.port.connect();
    } else if (this.#wire.name !== "opening") this.port.post(tab, { type: "opened", socket: id });
  }

  #send(socket: Socket, frame: Frame, text: string): void {
    if (frame.op === "hello") return this.#greet(socket, frame, text);
    if (!socket.hello) return;
    if (this.#isGreeted) this.#perform(socket, frame, text);
    else socket.early.push([frame, text]);
  }

  #perform(socket: Socket, frame: Frame, text: string): void {
    const { ch = "" } = frame;
    switch (frame.op) {
      case "ping":
        return this.#pings.ping(socket, this.#now);
      case "sub":
        return this.#feed(ch).subscribe(socket, frame);
      case "more":
        return this.#feeds.get(ch)?.more(socket, count(frame.credit));
      case "unsub":
        return this.#unsubscribe(socket, ch);
      case "pub":
        return this.#publications.publish(socket, nameOf(frame), text);
      case "cast":
        return this.#cast(socket, ch, text);
      // The tabs have one client id, under which the server would store one position for all.
      case "ack":
      case "token":
        return;
      default:
        return this.#request(socket, frame, text);
    }
  }

  #greet(socket: Socket, frame: Frame, text: string): void {
    socket.hello = { text, token: frame.token, identity: identityOf(frame.token) };
    if (this.#wire.name === "open") this.#greetServer(socket);
    else if (this.#isSame(socket) && this.#wire.name === "welcomed") this.#deliver(socket, this.#wire.welcome);
  }

  /** Whether the tab may share the connection. Closes its socket if not. */
  #isSame(socket: Socket): boolean {
    if (this.#wire.name !== "greeted" && this.#wire.name !== "welcomed") return true;
    const [own, other] = [socket.hello!.identity, this.#wire.by.hello!.identity];
    if (own.key === other.key) return true;
    const cure = "pass another `name` to tabs() for each user, for example the user's id";
    this.#sockets.delete(socket.id);
    this.#tellClosed(socket, FORBIDDEN, mismatch("the token", own.name, other.name, cure), false);
    return false;
  }

  /** The first tab that sends `hello` speaks for all, unless the server has refused its token before. */
  #greetServer(socket: Socket): void {
    const { text, token } = socket.hello!;
    if (this.#refused && token !== undefined && this.#refused.token === token) {
      if (this.#refused.tab === socket.tab) this.#askForToken(token);
      return;
    }
    this.#wire = { name: "greeted", by: socket };
    this.port.send(text);
    for (const other of this.#greeted()) {
      if (other === socket || this.#isSame(other))
        for (const early of other.early.splice(0)) this.#perform(other, ...early);
    }
  }

  /** Asks a tab whose token was refused for another one. */
  #askForToken(token: unknown): void {
    const socket = [...this.#sockets.values()].find(({ hello }) => hello?.token === token);
    this.#refused = socket && { token, tab: socket.tab };
    if (!socket) return;
    this.#left(socket);
    this.#tellClosed(socket, UNAUTHORIZED, "the server has refused the token", false);
  }

  #welcomed(text: string): void {
    if (this.#wire.name !== "greeted") return;
    this.#wire = { name: "welcomed", by: this.#wire.by, welcome: text };
    this.#refused = undefined;
    this.port.connected();
    for (const socket of this.#greeted()) this.#deliver(socket, text);
  }

  #dispatch(frame: Frame, text: string): void {
    const { op, ch } = frame;
    if (op === "pong") return;
    if (op === "puback" || op === "pubnack") {
      const isPostponed = frame.retry_after_ms !== undefined;
      for (const socket of this.#publications.answered(nameOf(frame), isPostponed)) this.#deliver(socket, text);
      return;
    }
    const answer = this.#requests.answered(frame);
    if (answer) return this.#deliver(answer.socket, answer.text);
    if (ch === undefined) return this.#deliverAll(text);
    const feed = this.#feeds.get(ch);
    feed?.receive(frame, text);
    if (feed?.isEmpty) this.#feeds.delete(ch);
  }

  #feed(ch: string): Feed<Socket> {
    const known = this.#feeds.get(ch);
    if (known) return known;
    const feed = new Feed<Socket>(ch, {
      number: () => ++this.#numbers,
      request: (frame) => this.port.send(frame),
      deliver: (socket, frame) => this.#deliver(socket, frame),
    });
    this.#feeds.set(ch, feed);
    return feed;
  }

  #unsubscribe(socket: Socket, ch: string): void {
    const feed = this.#feeds.get(ch);
    feed?.remove(socket);
    if (feed?.isEmpty) this.#feeds.delete(ch);
  }

  /** The server sends a cast to all sockets but the one that it came from, which is that of the other tabs, too. */
  #cast(socket: Socket, ch: string, text: string): void {
    this.port.send(text);
    for (const other of this.#feeds.get(ch)?.joined ?? []) if (other !== socket) this.#deliver(other, text);
  }

  /** Any other request. The answer names it by its `ref`. */
  #request(socket: Socket, frame: Frame, text: string): void {
    const { ref } = frame;
    this.port.send(ref === undefined ? text : this.#requests.request(socket, ref, ++this.#numbers, frame));
  }

  /** A tab closes a socket, or is gone (`isGone`). */
  #left(socket: Socket, isGone = false): void {
    if (!this.#sockets.delete(socket.id)) return;
    for (const ch of [...this.#feeds.keys()]) this.#unsubscribe(socket, ch);
    this.#requests.remove(socket);
    const complains = this.#pings.removed(socket, this.#now);
    this.#publications.remove(socket);
    if (complains && !isGone) this.#replace();
    const isUnused = this.#sockets.size === 0 || (this.#wire.name === "greeted" && this.#wire.by === socket);
    if (isUnused) this.#replace();
  }

  /** The connection is dead, or cannot go on without a tab that is gone. */
  #replace(): void {
    if (this.#wire.name === "none") return;
    this.port.disconnect(1000);
    for (const socket of this.#reset()) this.#tellClosed(socket, GOING_AWAY, "the connection was lost", true);
  }

  /** Forgets everything that belongs to a connection. Returns its sockets. */
  #reset(): Socket[] {
    const sockets = [...this.#sockets.values()];
    this.#wire = { name: "none" };
    this.#publications.closed(1000);
    for (const part of [this.#sockets, this.#feeds, this.#requests, this.#pings]) part.clear();
    return sockets;
  }

  get #isGreeted(): boolean {
    return this.#wire.name === "greeted" || this.#wire.name === "welcomed";
  }

  #greeted(): Socket[] {
    return [...this.#sockets.values()].filter(({ hello }) => hello !== undefined);
  }

  #deliverAll(text: string): void {
    for (const socket of this.#greeted()) this.#deliver(socket, text);
  }

  #deliver(socket: Socket, text: string): void {
    if (!this.#sockets.has(socket.id)) return;
    if (!socket.flow.sent(text.length, this.#now)) {
      return this.port.post(socket.tab, { type: "frame", socket: socket.id, text });
    }
    this.#left(socket, true);
    this.#tellClosed(socket, GOING_AWAY, "the tab was too slow", true);
  }

  #tellClosed({ tab, id }: Socket, code: number, reason: string, moved: boolean): void {
    this.port.post(tab, { type: "closed", socket: id, code, reason, moved });
  }
}

function nameOf({ ch = "", key }: Frame): Name {
  return { ch, key: String(key) };
}
