/** The broadcast channels of a browser: what one page posts, all others get, in order. */
export class Broadcasts {
  #open = new Set();

  constructor(world) {
    this.world = world;
  }

  /** The class `BroadcastChannel` of a page. */
  of(page) {
    const broadcasts = this;
    return class BroadcastChannel extends Target {
      #isClosed = false;
      #last = 0;

      constructor(name) {
        super();
        this.name = name;
        this.page = page;
        broadcasts.#open.add(this);
        page.ends.add(() => broadcasts.#open.delete(this));
      }

      postMessage(data) {
        if (this.#isClosed) throw new DOMException("the channel is closed", "InvalidStateError");
        const copy = structuredClone(data);
        page.step("postMessage", () => {
          for (const other of broadcasts.#open) {
            if (other !== this && other.name === this.name) other.#arrive(copy);
          }
        });
      }

      #arrive(data) {
        const { stage } = broadcasts.world;
        this.#last = Math.max(this.#last, stage.now + stage.rng.between(0, 3));
        stage.after(this.#last - stage.now, () =>
          page.enter(() => this.#isClosed || this.emit({ type: "message", data: structuredClone(data) })),
        );
      }

      close() {
        this.#isClosed = true;
        broadcasts.#open.delete(this);
      }
    };
  }
}

/** Listeners for messages. */
export class Target {
  onmessage = null;
  #listeners = new Set();

  addEventListener(name, listener) {
    if (name === "message") this.#listeners.add(listener);
  }

  removeEventListener(_name, listener) {
    this.#listeners.delete(listener);
  }

  emit(event) {
    this.onmessage?.(event);
    for (const listener of [...this.#listeners]) listener(event);
  }
}
