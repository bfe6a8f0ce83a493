import type { Published } from "../types.js";
import type { Entry } from "./entries.js";

/** A caller that waits for a publication's answer. */
interface Waiter {
  resolve(published: Published): void;
  reject(error: unknown): void;
}

/** The promises of publications. Several callers may wait for the same one. */
export class Waiters {
  #all = new Map<Entry, Waiter[]>();

  /** The publications that are waited for. */
  get _entries(): Entry[] {
    return [...this.#all.keys()];
  }

  _wait(entry: Entry): Promise<Published> {
    return new Promise((resolve, reject) => {
      this.#all.set(entry, [...(this.#all.get(entry) ?? []), { resolve, reject }]);
    });
  }

  _resolve(entry: Entry, published: Published): void {
    for (const { resolve } of this.#take(entry)) resolve(published);
  }

  /** Returns whether something waited for it. */
  _reject(entry: Entry, error: () => unknown): boolean {
    const waiters = this.#take(entry);
    for (const { reject } of waiters) reject(error());
    return waiters.length > 0;
  }

  #take(entry: Entry): Waiter[] {
    const waiters = this.#all.get(entry) ?? [];
    this.#all.delete(entry);
    return waiters;
  }
}
