import { invalid, unknown } from "./error.js";
import { checkListenerOptions } from "./options.js";
import type { ListenerOptions } from "./types.js";

/** Listeners by event. Adding or removing a listener does not change an event that is being emitted. */
export class Emitter<Events extends Record<string, (...args: never[]) => unknown>> {
  #names: (keyof Events)[];
  #listeners: { [E in keyof Events]?: readonly Events[E][] } = {};
  /** Each stops listening to the signal of one listener. */
  #signals = new Set<() => void>();

  constructor(...names: (keyof Events)[]) {
    this.#names = names;
  }

  /** With `once`, the listener is removed before it is called. */
  on<E extends keyof Events>(event: E, listener: Events[E], options: ListenerOptions = {}, once = false): () => void {
    if (!this.#names.includes(event)) throw unknown("bad_event", "event", event, this.#names);
    if (typeof listener !== "function") {
      throw invalid("bad_listener", `listener for "${event as string}"`, listener, "pass a function");
    }
    checkListenerOptions(options);
    const { signal } = options;
    let called = false;
    const entry = ((...args) => {
      if (once && called) return; // the listener has caused its own event
      called = true;
      if (once) off();
      return listener(...args);
    }) as Events[E]; // a new function, because the same listener may come twice
    const ignoreSignal = () => {
      signal?.removeEventListener("abort", off);
      this.#signals.delete(ignoreSignal);
    };
    const off = () => {
      this.#listeners[event] = this.of(event).filter((other) => other !== entry);
      ignoreSignal();
    };
    if (signal?.aborted) return off;
    this.#listeners[event] = [...this.of(event), entry];
    if (signal) {
      signal.addEventListener("abort", off);
      this.#signals.add(ignoreSignal);
    }
    return off;
  }

  of<E extends keyof Events>(event: E): readonly Events[E][] {
    return this.#listeners[event] ?? [];
  }

  /** Nothing more is emitted: no signal, which may live long, keeps this alive. */
  _end(): void {
    for (const ignore of this.#signals) ignore();
  }
}
