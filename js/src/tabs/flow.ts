/** A tab reports what has arrived after this much. */
export const REPORT_LENGTH = 64 * 1024;
/** How much may be on its way to a tab that takes nothing. Frames are at most some 100 KB. */
const LENGTH_MAX = 2 * 1024 * 1024;
/** However fast a tab takes frames. */
const LENGTH_MAX_EVER = 32 * 1024 * 1024;
/** How long a tab may take nothing before the bound counts: it may be busy. */
const PATIENCE_MS = 1000;

/** What is on its way to a tab. A frozen page takes nothing, and the browser would keep it without a bound. */
export class Flow {
  #sent = 0;
  #got = 0;
  /** Since when it has taken nothing although something waits. */
  #stalledSince: number | undefined;

  /** Returns whether the tab is too far behind. */
  sent(length: number, now: number): boolean {
    this.#sent += length;
    const waiting = this.#sent - this.#got;
    if (waiting > 2 * REPORT_LENGTH) this.#stalledSince ??= now;
    const isStalled = this.#stalledSince !== undefined && now - this.#stalledSince > PATIENCE_MS;
    return waiting > (isStalled ? LENGTH_MAX : LENGTH_MAX_EVER);
  }

  got(length: number, now: number): void {
    this.#got += length;
    this.#stalledSince = this.#sent - this.#got > 2 * REPORT_LENGTH ? now : undefined;
  }
}
