import { App } from "./app.mjs";
import { Broadcasts } from "./broadcast.mjs";
import { Database } from "./database.mjs";
import { Locks } from "./locks.mjs";
import { Page } from "./page.mjs";
import { Store } from "./store.mjs";

/** What the tabs of one browser share. */
export class Profile {
  constructor(world, name) {
    Object.assign(this, { world, name });
    this.tabs = [];
    this.store = new Store(world);
    /** What `storedPositions` uses. */
    this.positions = new Store(world);
    this.database = new Database(world);
    this.locks = new Locks(world);
    this.broadcasts = new Broadcasts(world);
  }

  /** The globals by which a page reaches what tabs share. */
  globalsOf(page) {
    return {
      navigator: { onLine: true, locks: this.locks.of(page) },
      BroadcastChannel: this.broadcasts.of(page),
    };
  }
}

/** A tab: it has a page, and loads the next one when that is gone. */
export class Tab {
  /** `sessionStorage` */
  session = new Map();
  /** What the application has stored for this tab, by itself. */
  memory = new Map();
  page;
  /** What its application does with messages: `plain`, `effects` or `state`. */
  kind = "plain";
  /** Where it begins: where it has stored itself (`own`), the `package` has, the `server` has, or the `tail`. */
  start = "server";
  /** Whether its publications survive its pages. */
  hasStorage = false;
  /** Whether it shares a connection with the other tabs. */
  isShared = false;
  #loads = 0;
  #isEnding = false;

  constructor(world, profile, number) {
    Object.assign(this, { world, profile, name: `${profile.name}${number}` });
    /** The publisher to whom its publications count, as far as they must be in order. */
    this.line = this.name;
    profile.tabs.push(this);
  }

  /** Pages crash while faults are injected, and not after. */
  get mayCrash() {
    return !this.world.isHealed;
  }

  /** What survives a page stays in order with what the next page publishes, if the storage is reliable. */
  get isOrdered() {
    return this.hasStorage && this.world.isStorageReliable;
  }

  /** The browser is started again: it is another tab for the package. */
  #renew(name) {
    this.session = new Map();
    if (this.start === "server") this.memory.clear(); // the server cannot know that it is the same
    // A page that is alone sends what it finds before what it publishes, but does not wait for more than 5 s.
    const isAlone = this.profile.tabs.every((other) => other === this || !other.hasStorage);
    if (!isAlone || this.world.drawn.freeze > 0) this.line = name;
  }

  load() {
    const { stage, faults } = this.world;
    if (stage.rng.chance(faults.new_session)) this.#renew(`${this.name}.${this.#loads + 1}`);
    this.page = new Page(this.world, this, ++this.#loads);
    this.app = new App(this.page);
    this.page.enter(() => this.app.start());
  }

  /** The page is gone. */
  gone(page) {
    const { stage, network, publishers } = this.world;
    for (const conn of [...network.conns]) if (conn.page === page) conn.abandon();
    publishers.gone(page);
    if (!this.#isEnding) stage.after(stage.rng.between(1, 3_000), () => this.load());
  }

  /** Closes the tab for good. */
  close() {
    this.#isEnding = true;
    this.page.leave();
  }
}
