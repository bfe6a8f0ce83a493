import type { SharedRole } from "../shared.js";
import { Hub } from "./hub.js";
import { HubWatch } from "./hub-watch.js";
import { type HubName, isSame, type Message, type ToHub, type ToTab } from "./messages.js";
import type { Wire, World } from "./platform.js";
import { TabSocket } from "./socket.js";

/** The hub of this tab. */
interface Leading {
  readonly name: HubName;
  readonly hub: Hub;
  wire: Wire | undefined;
  readonly tabs: Set<string>;
}

/** A term is a time, or a little more: the pages of an origin may have clocks that differ. Another one is none. */
const TERM_AHEAD_MS_MAX = 365 * 24 * 3600 * 1000;
/** The code of a socket whose hub is gone: no publication is blamed for it. */
const GOING_AWAY = 1001;

/**
 * A tab: its virtual WebSockets, and the hub while it has it.
 *
 * One tab has the hub. It is elected by a lock, which the browser passes on when the tab closes or crashes. A tab that
 * freezes keeps the lock, so the others ping the hub, and one of them steals the lock when there is no answer. A tab
 * whose hub is gone closes its virtual WebSockets. Its client reconnects, and resumes from its positions.
 */
export class Member {
  #sockets = new Map<string, TabSocket>();
  #leading: Leading | undefined;
  /** The newest hub. */
  #hub: HubName | undefined;
  /** The highest term that this tab knows. */
  #term = 0;
  #watch: HubWatch;
  #opened = 0;
  #isPresent = false;

  constructor(
    private readonly world: World,
    private readonly url: string,
  ) {
    this.#watch = new HubWatch(world, {
      hub: () => this.#hub,
      mayReplace: () => this.#isPresent && !this.#leading,
      needsHub: () => this.#sockets.size > 0,
    });
  }

  get role(): SharedRole {
    return this.#leading ? "leader" : this.#hub ? "follower" : "none";
  }

  /** The tab takes part, from its first socket on. */
  join(): void {
    if (this.#isPresent) return;
    this.#isPresent = true;
    this.#watch.heard();
    this.world.elect(false);
    this.world.post(undefined, { type: "who" });
    this.#watch.start();
  }

  /** A new virtual WebSocket. It opens when there is a hub. */
  open(): TabSocket {
    const socket = new TabSocket(`${this.world.tab}/${++this.#opened}`, this.url, {
      toHub: ({ tab, term }, message) => this.world.post(tab, { type: "toHub", term, message }),
      ended: ({ id }) => void this.#sockets.delete(id),
    });
    this.#sockets.set(socket.id, socket);
    if (this.#hub) socket.bind(this.#hub);
    this.#watch.start();
    return socket;
  }

  /** The tab takes part no more, until it joins again. */
  leave(): void {
    this.#isPresent = false;
    this.#watch.stop();
    this.#stepDown();
    this.world.resign();
    this.#forget();
    this.world.leave();
  }

  /** The tab may stand still from now on. If another one is there, that one gets the hub. */
  freeze(): void {
    if (!this.#leading || this.#leading.tabs.size < 2) return;
    this.deposed();
  }

  /** It is this tab's turn to have the hub. */
  elected(): void {
    if (!this.#isPresent || this.#leading) return;
    this.#term = Math.max(this.#term + 1, Math.floor(this.world.now()));
    const name = { tab: this.world.tab, term: this.#term };
    const leading: Leading = { name, hub: this.#makeHub(name), wire: undefined, tabs: new Set() };
    this.#leading = leading;
    this.world.post(undefined, { type: "hub", term: name.term, connected: false });
    this.#follow(name);
  }

  /** Another tab has taken the right to have the hub, or this one gives it up. */
  deposed(): void {
    if (!this.#isPresent) return;
    this.#stepDown();
    this.world.resign();
    const lost = this.#forget();
    this.world.elect(false);
    this.world.post(undefined, { type: "who" });
    this.#watch.start();
    if (lost) this.world.wake(this.role);
  }

  /** A message of another tab, or of this one to its own hub. */
  receive(from: string, message: Message): void {
    if (!this.#isPresent) return;
    switch (message.type) {
      case "who":
        return this.#announce(from);
      case "hub":
        return this.#announced({ tab: from, term: message.term }, message.connected);
      case "gone":
        return this.#gone({ tab: from, term: message.term });
      case "claim":
        return this.#watch.claimed(from, message.isHidden);
      case "ping":
        return this.#pinged(from, message.term);
      case "pong":
        this.#heard({ tab: from, term: message.term });
        return;
      case "toHub":
        return this.#toHub(from, message.term, message.message);
      case "toTab":
        return this.#toTab({ tab: from, term: message.term }, message.message);
    }
  }

  #pinged(from: string, term: number): void {
    this.world.post(from, { type: this.#leading?.name.term === term ? "pong" : "gone", term });
  }

  #announce(to: string): void {
    const { name } = this.#leading ?? {};
    if (name) this.world.post(to, { type: "hub", term: name.term, connected: false });
  }

  #announced(hub: HubName, connected: boolean): void {
    if (hub.term < this.#term || hub.term > this.world.now() + TERM_AHEAD_MS_MAX) return;
    // The lock reports this, too, but not in a page whose grant arrives after the report that it was stolen.
    if (this.#leading && !isSame(this.#leading.name, hub)) this.deposed();
    this.#follow(hub);
    if (connected && this.#sockets.size === 0) this.world.wake(this.role);
  }

  #follow(hub: HubName): void {
    this.#watch.heard();
    if (isSame(this.#hub, hub)) return;
    this.#term = hub.term;
    const before = this.#hub;
    this.#hub = hub;
    const lost = this.#lose(before);
    for (const socket of this.#sockets.values()) if (!socket.hub) socket.bind(hub);
    if (lost) this.world.wake(this.role);
    this.#watch.start();
  }

  /** The hub has ended. Until there is another one, sockets wait. */
  #gone(hub: HubName): void {
    if (!isSame(this.#hub, hub)) return;
    if (this.#forget()) this.world.wake(this.role);
  }

  /** There is no hub. Returns whether that has closed a socket. */
  #forget(): boolean {
    const hub = this.#hub;
    this.#hub = undefined;
    this.#watch.heard();
    return this.#lose(hub);
  }

  /** Closes the sockets of a hub. Returns whether there were any. */
  #lose(hub: HubName | undefined): boolean {
    const lost = [...this.#sockets.values()].filter((socket) => socket.hub && isSame(socket.hub, hub));
    for (const socket of lost) socket.lost(GOING_AWAY, "the tab that held the connection is gone");
    return lost.length > 0;
  }

  #heard(hub: HubName): boolean {
    if (!isSame(this.#hub, hub)) return false;
    this.#watch.heard();
    return true;
  }

  #makeHub(name: HubName): Hub {
    const { world } = this;
    const leading = () => (isSame(this.#leading?.name, name) ? this.#leading : undefined);
    const hub: Hub = new Hub(this.url, {
      post: (tab, message) => world.post(tab, { type: "toTab", term: name.term, message }),
      connect: () => {
        const wire = world.connect({
          opened: () => hub.wireOpened(),
          received: (data) => hub.wireReceived(data, world.now()),
          closed: (code, reason) => hub.wireClosed(code, reason),
        });
        const current = leading();
        if (current) current.wire = wire;
      },
      send: (text) => leading()?.wire?.send(text),
      disconnect: (code) => leading()?.wire?.close(code),
      connected: () => {
        world.post(undefined, { type: "hub", term: name.term, connected: true });
        if (this.#sockets.size === 0) world.wake(this.role);
      },
    });
    return hub;
  }

  #toHub(from: string, term: number, message: ToHub): void {
    const leading = this.#leading;
    if (leading?.name.term !== term) return this.world.post(from, { type: "gone", term });
    if (!leading.tabs.has(from)) {
      leading.tabs.add(from);
      if (from !== this.world.tab) this.world.watch(from, () => this.#tabGone(leading, from));
    }
    leading.hub.receive(from, message, this.world.now());
  }

  #tabGone(leading: Leading, tab: string): void {
    leading.tabs.delete(tab);
    if (leading === this.#leading) leading.hub.tabGone(tab, this.world.now());
  }

  #toTab(hub: HubName, message: ToTab): void {
    if (!this.#heard(hub)) return;
    this.#sockets.get(message.socket)?.receive(message);
    if (message.type === "closed" && message.moved) this.world.wake(this.role);
  }

  /** Ends the hub, if this tab has it. */
  #stepDown(): void {
    const leading = this.#leading;
    if (!leading) return;
    leading.hub.end();
    this.#leading = undefined;
    this.world.post(undefined, { type: "gone", term: leading.name.term });
  }
}
