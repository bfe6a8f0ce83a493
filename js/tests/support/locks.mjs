// What tabs need of a browser beside BroadcastChannel, which Node has: a document, and Web Locks.

/** A `LockManager`, as far as the package uses it: exclusive locks, `signal` and `steal`. */
export class Locks {
  #held = new Map();
  #waiting = new Map();

  request(name, { signal, steal }, callback) {
    return new Promise((resolve, reject) => {
      const lock = { name, callback, resolve, reject };
      const queue = this.#waiting.get(name) ?? [];
      this.#waiting.set(name, queue);
      if (steal) {
        this.#held.get(name)?.reject(new DOMException("stolen", "AbortError"));
        this.#held.delete(name);
        queue.unshift(lock);
      } else queue.push(lock);
      signal?.addEventListener("abort", () => {
        const at = queue.indexOf(lock);
        if (at >= 0) queue.splice(at, 1);
        reject(signal.reason);
      });
      queueMicrotask(() => this.#grant(name));
    });
  }

  #grant(name) {
    if (this.#held.has(name)) return;
    const lock = this.#waiting.get(name)?.shift();
    if (!lock) return;
    this.#held.set(name, lock);
    const end = (settle) => (value) => {
      settle(value);
      if (this.#held.get(name) !== lock) return;
      this.#held.delete(name);
      this.#grant(name);
    };
    Promise.resolve(lock.callback(lock)).then(end(lock.resolve), end(lock.reject));
  }
}

/** Makes this process a browser in which each client is in a tab of its own. Returns a function that undoes it. */
export function installTabs() {
  const before = ["document", "navigator"].map((name) => [name, Object.getOwnPropertyDescriptor(globalThis, name)]);
  const set = (name, value) => Object.defineProperty(globalThis, name, { value, configurable: true, writable: true });
  set("document", { hidden: false });
  set("navigator", { locks: new Locks() });
  return () => {
    for (const [name, descriptor] of before) {
      if (descriptor) Object.defineProperty(globalThis, name, descriptor);
      else delete globalThis[name];
    }
  };
}
