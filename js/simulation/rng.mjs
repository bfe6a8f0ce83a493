/** Random numbers of a seed. Everything random in a run comes from one of these. */
export class Rng {
  #state;

  constructor(seed) {
    this.#state = seed | 0;
  }

  /** From 0 up to, but without, 1 (mulberry32). */
  next() {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let t = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  }

  /** 0 to n − 1. */
  below(n) {
    return Math.floor(this.next() * n);
  }

  /** Both ends are included. */
  between(least, most) {
    return least + this.below(most - least + 1);
  }

  /** Whether it happens, in thousandths. A rate of 0 draws nothing, so that a fault that is off changes no run. */
  chance(rate) {
    return rate > 0 && this.below(1000) < rate;
  }

  pick(list) {
    return list[this.below(list.length)];
  }
}
