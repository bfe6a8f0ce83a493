import { OUT } from "./trace.mjs";

/** So much of a message is in the trace. */
const SHOWN = 150;

/** The broadcast channels of a browser: what one page posts, all others get, in order. */
export class Broadcasts {
  open = new Set();

  constructor(world) {
    this.world = world;
  }

  /** The class `BroadcastChannel` of a page. */
  of(page) {
    const broadcasts = this;
    return class BroadcastChannel extends Channel {
      constructor(name) {
        super(broadcasts, page, name);
      }
    };
  }
}

class Channel {
  onmessage = null;
  #broadcasts;
  #page;
  #listeners = new Set();
  #isClosed = false;
  /** When the last message arrives. */
  #last = 0;

  constructor(broadcasts, page, name) {
    this.name = name;
    this.#broadcasts = broadcasts;
    this.#page = page;
    broadcasts.open.add(this);
    page.ends.add(() => broadcasts.open.delete(this));
  }

  addEventListener(name, listener) {
    if (name === "message") this.#listeners.add(listener);
  }

  removeEventListener(_name, listener) {
    this.#listeners.delete(listener);
  }

  postMessage(data) {
    if (this.#isClosed) throw new DOMException("the channel is closed", "InvalidStateError");
    const copy = structuredClone(data);
    this.#page.step("postMessage", () => {
      const text = JSON.stringify(copy);
      this.#broadcasts.world.stage.note(OUT, this.#page.name, `${this.name} ${text.slice(0, SHOWN)}`);
      for (const other of this.#broadcasts.open) {
        if (other !== this && other.name === this.name) other.#arrive(copy);
      }
    });
  }

  #arrive(data) {
    const { stage } = this.#broadcasts.world;
    this.#last = Math.max(this.#last, stage.now + stage.rng.between(0, 3));
    stage.after(this.#last - stage.now, () => this.#page.enter(() => this.#emit(structuredClone(data))));
  }

  #emit(data) {
    if (this.#isClosed) return;
    const event = { type: "message", data };
    this.onmessage?.(event);
    for (const listener of [...this.#listeners]) listener(event);
  }

  close() {
    this.#isClosed = true;
    this.#broadcasts.open.delete(this);
  }
}
