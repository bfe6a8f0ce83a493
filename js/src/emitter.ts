import { invalid, unknown } from "./error.js";

/** Listeners by event. Adding or removing a listener does not change an event that is being emitted. */
export class Emitter<Events extends Record<string, (...args: never[]) => unknown>> {
  #names: (keyof Events)[];
  #listeners: { [E in keyof Events]?: readonly Events[E][] } = {};

  constructor(...names: (keyof Events)[]) {
    this.#names = names;
  }

  on<E extends keyof Events>(event: E, listener: Events[E]): () => void {
    if (!this.#names.includes(event)) throw unknown("bad_event", "event", event, this.#names);
    if (typeof listener !== "function") {
      throw invalid("bad_listener", `listener for "${event as string}"`, listener, "pass a function");
    }
    const entry = ((...args) => listener(...args)) as Events[E]; // the same listener may come twice
    this.#listeners[event] = [...this.of(event), entry];
    return () => {
      this.#listeners[event] = this.of(event).filter((other) => other !== entry);
    };
  }

  of<E extends keyof Events>(event: E): readonly Events[E][] {
    return this.#listeners[event] ?? [];
  }
}
