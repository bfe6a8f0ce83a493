// Tabs without a browser: messages, locks and time are the test's.
import { source } from "./source.mjs";

const { Member } = await source("tabs/member");

export class TabsTest {
  now = 1_000_000;
  tabs = new Map();
  /** The tab that has the lock, and those that wait for it. */
  holder;
  waiting = [];
  /** The WebSockets to the server: each with its tab. */
  wires = [];
  #timers = [];
  #messages = [];

  /** A new tab, with a virtual WebSocket. */
  join(name) {
    const tab = { name, isFrozen: false, isHidden: false, wakes: [], watchers: [] };
    tab.member = new Member(this.#world(tab), "wss://example.org/ws");
    this.tabs.set(name, tab);
    tab.member.join();
    this.open(name);
    this.settle();
    return tab;
  }

  open(name) {
    const tab = this.tabs.get(name);
    tab.socket = Object.assign(tab.member.open(), { onclose: ({ code }) => (tab.closedWith = code) });
  }

  /** The page is gone without an event. */
  crash(name) {
    const tab = this.tabs.get(name);
    this.tabs.delete(name);
    this.waiting = this.waiting.filter((waiting) => waiting !== tab);
    for (const gone of tab.watchers) gone();
    if (this.holder === tab) this.holder = undefined;
    this.settle();
  }

  /** Nothing runs in the page until it thaws. */
  freeze(name, isFrozen = true) {
    this.tabs.get(name).isFrozen = isFrozen;
    this.settle();
  }

  /** Time passes. */
  pass(ms) {
    for (const end = this.now + ms; this.now < end; this.now += 10) {
      for (const timer of this.#timers.filter(({ at, tab }) => at <= this.now && !tab.isFrozen)) {
        this.#timers.splice(this.#timers.indexOf(timer), 1);
        timer.call();
      }
      this.settle();
    }
  }

  /** Delivers messages and grants the lock until nothing is left to do. */
  settle() {
    for (let isBusy = true; isBusy; ) {
      isBusy = this.#grant();
      const at = this.#messages.findIndex(({ to }) => !to.isFrozen);
      if (at < 0) continue;
      isBusy = true;
      const [{ from, to, message }] = this.#messages.splice(at, 1);
      if (this.tabs.has(to.name)) to.member.receive(from, message);
    }
  }

  roles() {
    return Object.fromEntries([...this.tabs.values()].map(({ name, member }) => [name, member.role]));
  }

  #grant() {
    const next = this.waiting[0];
    if (this.holder || !next) return false;
    this.waiting.shift();
    this.holder = next;
    next.member.elected(); // a browser grants it to a frozen page, too; the page learns of it when it thaws
    return true;
  }

  #world(tab) {
    const { name } = tab;
    return {
      tab: name,
      now: () => this.now,
      isHidden: () => tab.isHidden,
      after: (ms, call) => {
        const timer = { at: this.now + ms, call, tab };
        this.#timers.push(timer);
        return () => (this.#timers = this.#timers.filter((other) => other !== timer));
      },
      post: (to, message) => {
        const others = [...this.tabs.values()].filter((other) =>
          to === undefined ? other !== tab : other.name === to,
        );
        for (const other of others) this.#messages.push({ from: name, to: other, message });
      },
      elect: (steal) => {
        this.waiting = this.waiting.filter((waiting) => waiting !== tab);
        const before = this.holder;
        if (!steal) return void this.waiting.push(tab);
        this.holder = tab;
        if (before && before !== tab) this.#later(before, () => before.member.deposed());
        this.#later(tab, () => this.holder === tab && tab.member.elected());
      },
      resign: () => {
        this.waiting = this.waiting.filter((waiting) => waiting !== tab);
        if (this.holder === tab) this.holder = undefined;
      },
      watch: (other, gone) => this.tabs.get(other)?.watchers.push(gone),
      leave: () => {},
      connect: (events) => {
        const wire = { name, events, frames: [], isOpen: true };
        this.wires.push(wire);
        this.#later(tab, () => events.opened());
        return { send: (text) => wire.frames.push(text), close: () => (wire.isOpen = false) };
      },
      wake: (role) => void tab.wakes.push(role),
    };
  }

  #later(tab, call) {
    this.#timers.push({ at: this.now, call, tab });
  }
}
