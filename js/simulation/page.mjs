import { clockGlobals, globalsOf } from "./realm.mjs";
import { FAULT, STATE } from "./trace.mjs";

/** The events of a document that the package listens to reach one place here. */
class Events {
  #listeners = new Map();

  add(name, listener, options) {
    const listeners = this.#listeners.get(name) ?? new Set();
    this.#listeners.set(name, listeners.add(listener));
    options?.signal?.addEventListener("abort", () => listeners.delete(listener));
  }

  remove(name, listener) {
    this.#listeners.get(name)?.delete(listener);
  }

  emit(name, fields = {}) {
    for (const listener of [...(this.#listeners.get(name) ?? [])]) {
      const event = { type: name, ...fields };
      if (typeof listener === "function") listener(event);
      else listener.handleEvent(event);
    }
  }
}

/**
 * One load of a page in a tab. It runs its own copy of the package. When it crashes, everything of it stops: callbacks
 * are not called any more, and what it still does in the turn in which it crashes has no effect. While it is frozen,
 * callbacks wait.
 */
export class Page {
  isAlive = true;
  isFrozen = false;
  isHidden = false;
  /** Called when the page is gone. */
  ends = new Set();
  #waiting = [];
  #events = new Events();

  constructor(world, tab, number) {
    const { stage, parts } = world;
    Object.assign(this, { world, tab, name: `${tab.name}.${number}` });
    this.wasm = parts.wasm;
    this.package = parts.page(...this.#globals());
    stage.note(STATE, this.name, "loads");
    /** Private mode, or a policy. */
    this.isStorageRefused = stage.rng.chance(world.faults.store_refused);
  }

  #globals() {
    const { world, tab } = this;
    const page = this;
    const enter = (call) => this.enter(call);
    return globalsOf({
      ...clockGlobals(world.stage, enter),
      WebSocket: world.network.webSocketOf(this),
      console: Object.fromEntries(
        ["debug", "log", "info", "warn", "error"].map((name) => [name, (...line) => this.log(name, line)]),
      ),
      document: {
        get hidden() {
          return page.isHidden;
        },
        get visibilityState() {
          return page.isHidden ? "hidden" : "visible";
        },
        addEventListener: (...args) => this.#events.add(...args),
        removeEventListener: (...args) => this.#events.remove(...args),
      },
      location: { href: "https://app.test/", origin: "https://app.test" },
      sessionStorage: storageOf(tab.session, () => this.isAlive),
      addEventListener: (...args) => this.#events.add(...args),
      removeEventListener: (...args) => this.#events.remove(...args),
      ...tab.profile.globalsOf(this),
    });
  }

  log(level, line) {
    if (this.isAlive) this.world.stage.note(STATE, this.name, `${level}: ${line.map(String).join(" ")}`);
  }

  /** Runs a callback of the page: later, if it is frozen; never, if it is gone. */
  enter(call) {
    if (!this.isAlive) return;
    if (this.isFrozen) return void this.#waiting.push(call);
    try {
      call();
    } catch (error) {
      this.world.stage.fail(`an exception in ${this.name}: ${error?.stack ?? error}`);
    }
  }

  /** Something that the page does to the world. It may crash before or after. A page that is gone does nothing. */
  step(what, act) {
    if (!this.isAlive) return undefined;
    if (this.#mayCrash(`before ${what}`)) return undefined;
    const result = act();
    this.#mayCrash(`after ${what}`);
    return result;
  }

  #mayCrash(when) {
    const { rng } = this.world.stage;
    if (!this.tab.mayCrash || !rng.chance(this.world.faults.crash_in_step)) return false;
    this.crash(when);
    return true;
  }

  /** Answers a call of the page after a time, as the browser does: a promise. */
  answer(ms, result) {
    return new Promise((resolve, reject) => {
      this.world.stage.after(ms, () =>
        this.enter(() => {
          try {
            resolve(result());
          } catch (error) {
            reject(error);
          }
        }),
      );
    });
  }

  emit(name, fields) {
    this.enter(() => this.#events.emit(name, fields));
  }

  /** The process of the page dies. The tab loads it again after a while. */
  crash(when) {
    if (!this.isAlive) return;
    this.world.stage.note(FAULT, this.name, `crashes ${when}`);
    this.world.count("crashes");
    this.#end();
  }

  /** The user reloads or closes it. */
  leave() {
    if (!this.isAlive || this.isFrozen) return;
    this.world.stage.note(FAULT, this.name, "is left");
    this.world.count("reloads");
    this.isHidden = true;
    this.emit("visibilitychange");
    this.emit("pagehide", { persisted: false });
    if (this.isAlive) this.#end();
  }

  #end() {
    this.isAlive = false;
    for (const end of this.ends) end();
    this.tab.gone(this);
  }

  freeze(ms) {
    if (!this.isAlive || this.isFrozen) return;
    this.world.stage.note(FAULT, this.name, `freezes for ${ms} ms`);
    this.world.count("freezes");
    if (this.world.stage.rng.chance(500)) this.emit("freeze");
    this.isFrozen = true;
    this.world.stage.after(ms, () => this.thaw());
  }

  thaw() {
    if (!this.isAlive || !this.isFrozen) return;
    this.world.stage.note(STATE, this.name, "continues");
    this.isFrozen = false;
    if (this.world.stage.rng.chance(500)) this.emit("resume");
    const waiting = this.#waiting.splice(0);
    // Each in a task of its own, in order.
    for (const call of waiting) this.world.stage.after(0, () => this.enter(call));
  }

  hide(isHidden) {
    if (!this.isAlive || this.isFrozen || this.isHidden === isHidden) return;
    this.isHidden = isHidden;
    this.world.stage.note(FAULT, this.name, isHidden ? "is hidden" : "is shown");
    this.emit("visibilitychange");
  }
}

/** A `Storage` of the browser, over a map that outlives the page. */
function storageOf(map, isAlive) {
  return {
    getItem: (key) => map.get(String(key)) ?? null,
    setItem: (key, value) => isAlive() && map.set(String(key), String(value)),
    removeItem: (key) => isAlive() && map.delete(String(key)),
  };
}
