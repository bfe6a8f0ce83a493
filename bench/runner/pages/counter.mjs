// Counts what a page receives, and checks that it comes in order.

export class Counter {
  count = 0;
  #wrong = 0;
  #total;
  #limitMs;
  #first;
  #finish;

  /** Ends after `total` messages, or this long after the first one. */
  constructor(total, limitMs) {
    this.#total = total;
    this.#limitMs = limitMs;
    this.done = new Promise((resolve) => (this.#finish = resolve));
  }

  /** What a handler does with a payload. */
  take({ n }) {
    if (this.count === 0) this.#begin();
    this.count += 1;
    if (n !== this.count) this.#wrong += 1;
    if (this.count === this.#total) this.#end();
  }

  #begin() {
    this.#first = performance.now();
    setTimeout(() => this.#end(), this.#limitMs);
  }

  #end() {
    const ms = performance.now() - this.#first;
    this.#finish({ count: this.count, ms, first: this.#first, wrong: this.#wrong });
  }
}
