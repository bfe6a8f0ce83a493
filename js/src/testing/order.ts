/**
 * Keeps the order of a connection's publications. If one is refused for now, those behind it in its channel are refused
 * too, until all of them have been sent again, in their original order.
 */
export class PublicationOrder {
  /** For each channel the held keys, by the number of the publication that first had it. */
  #held = new Map<string, Map<string, number>>();
  #came = 0;

  /** Numbers a publication. One that is sent again keeps its number. */
  number(ch: string, key: string): number {
    this.#came++;
    return this.#held.get(ch)?.get(key) ?? this.#came;
  }

  /** Whether a publication would overtake one that is held. */
  overtakes(ch: string, number: number): boolean {
    const held = this.#held.get(ch);
    return held !== undefined && Math.min(...held.values()) < number;
  }

  hold(ch: string, key: string, number: number): void {
    const held = this.#held.get(ch) ?? new Map<string, number>();
    this.#held.set(ch, held.set(key, number));
  }

  release(ch: string, key: string): void {
    const held = this.#held.get(ch);
    held?.delete(key);
    if (held?.size === 0) this.#held.delete(ch);
  }
}
