/** The Web Locks of a browser. A page that ends releases its locks; one that is frozen keeps them. */
export class Locks {
  /** By name: who holds it, and who waits, in order. */
  #locks = new Map();

  constructor(world) {
    this.world = world;
  }

  /** `navigator.locks` of a page. */
  of(page) {
    return {
      request: (name, ...rest) => this.#request(page, name, rest.length > 1 ? rest[0] : {}, rest.at(-1)),
      query: () =>
        page.answer(this.#ms, () => ({
          held: [...this.#locks].flatMap(([name, { held }]) => (held ? [{ name, clientId: held.page.name }] : [])),
          pending: [...this.#locks].flatMap(([name, { waiting }]) =>
            waiting.map(({ page }) => ({ name, clientId: page.name })),
          ),
        })),
    };
  }

  get #ms() {
    return this.world.stage.rng.between(0, 2);
  }

  #request(page, name, { ifAvailable = false, steal = false, signal }, call) {
    if (!page.isAlive) return new Promise(() => {});
    if (signal?.aborted) return Promise.reject(signal.reason);
    return new Promise((resolve, reject) => {
      const request = { page, call, resolve, reject };
      const gone = () => this.#end(name, request);
      const abort = () => {
        this.#end(name, request);
        reject(signal.reason);
      };
      request.granted = () => signal?.removeEventListener("abort", abort);
      request.forget = () => {
        request.granted();
        page.ends.delete(gone);
      };
      page.ends.add(gone);
      signal?.addEventListener("abort", abort);
      // It reaches the browser's process a moment later.
      this.world.stage.after(this.#ms, () => {
        if (!page.isAlive || signal?.aborted) return;
        const lock = this.#of(name);
        if (steal && lock.held) {
          const { held } = lock;
          this.#end(name, held);
          held.page.enter(() => held.reject(new DOMException("the lock was stolen", "AbortError")));
        }
        if (ifAvailable && (lock.held || lock.waiting.length > 0)) {
          request.forget();
          return this.#run(page, call, null, resolve, reject);
        }
        if (steal) lock.waiting.unshift(request);
        else lock.waiting.push(request);
        this.#grant(name);
      });
    });
  }

  #of(name) {
    const lock = this.#locks.get(name) ?? { held: undefined, waiting: [] };
    this.#locks.set(name, lock);
    return lock;
  }

  #grant(name) {
    const lock = this.#of(name);
    if (lock.held || lock.waiting.length === 0) return;
    const request = lock.waiting.shift();
    lock.held = request;
    request.granted();
    const { page, call, resolve, reject } = request;
    const settle = (then) => (value) => {
      this.#end(name, request);
      then(value);
    };
    this.#run(page, call, { name, mode: "exclusive" }, settle(resolve), settle(reject));
  }

  #run(page, call, lock, resolve, reject) {
    this.world.stage.after(this.#ms, () =>
      page.enter(() => {
        Promise.resolve()
          .then(() => call(lock))
          .then(resolve, reject);
      }),
    );
  }

  /** It holds and waits no more. */
  #end(name, request) {
    request.forget();
    const lock = this.#of(name);
    lock.waiting = lock.waiting.filter((other) => other !== request);
    if (lock.held !== request) return;
    lock.held = undefined;
    this.#grant(name);
  }
}
