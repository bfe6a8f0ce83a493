// Publishing and faults wait for each other, so that the faults are spread over the publishing, however slow
// one of the two is.

export class Pace {
  #messages;
  #all;
  #faults;
  /** The first messages, so many of them, have been begun. */
  #begun = 0;

  /** @param {() => number} faults how many there were, of `all` */
  constructor(messages, all, faults) {
    [this.#messages, this.#all, this.#faults] = [messages, all, faults];
  }

  /** For `publishMany`: not before the faults that are due by then. */
  mayPublish = (i) => {
    const may = i * this.#all <= (this.#faults() + 1) * this.#messages;
    if (may) this.#begun = Math.max(this.#begun, i);
    return may;
  };

  /** The next fault: not before its share of the messages; or none is left to wait for. */
  maySpoil = () => this.#faults() >= this.#all || this.#begun * this.#all >= this.#faults() * this.#messages;
}
