// Records when a page's socket was opened, and when its messages arrived.

let opened = 0;

/** Notes when it was opened. */
globalThis.WebSocket = class extends WebSocket {
  constructor(...args) {
    super(...args);
    this.addEventListener("open", () => (opened = performance.now()));
  }
};

export class Recorder {
  count = 0;
  #wrong = 0;
  #first;
  #last;

  take({ n }) {
    this.count += 1;
    if (n !== this.count) this.#wrong += 1;
    this.#last = performance.now();
    this.#first ??= this.#last;
  }

  /** Waits until there are so many. */
  async has(count) {
    while (this.count < count) await new Promise((resolve) => setTimeout(resolve, 10));
  }

  /** What arrives from now on counts. */
  begin() {
    this.#first = undefined;
  }

  /** The times since the newest socket was opened. */
  get result() {
    return { firstMs: this.#first - opened, lastMs: this.#last - opened, count: this.count, wrong: this.#wrong };
  }
}

/** What the recovery part calls in a page. `follow` subscribes. */
export function recovery(follow) {
  const recorder = new Recorder();
  return {
    follow: async (options) => void (await follow(options, (data) => recorder.take(data))),
    has: (count) => recorder.has(count),
    begin: () => recorder.begin(),
    result: () => recorder.result,
  };
}
