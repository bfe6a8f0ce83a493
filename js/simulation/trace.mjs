/** Flags of the lines: what kind of event it is. */
export const FAULT = "!";
export const IN = "<";
export const OUT = ">";
export const STATE = "=";
export const BROKEN = "X";

/** The trace, one line per event: always as a hash, and as text on request. */
export class Trace {
  lines = [];
  #hash = 0x811c9dc5;

  constructor(isReadable) {
    this.isReadable = isReadable;
  }

  /** `who` is a page, a connection or a channel; `what` a few words and numbers. */
  note(now, flag, who, what) {
    const line = `${(now / 1000).toFixed(3).padStart(9)} ${flag} ${who.padEnd(6)} ${what}`;
    for (let i = 0; i < line.length; i++) this.#hash = Math.imul(this.#hash ^ line.charCodeAt(i), 0x01000193);
    if (this.isReadable) this.lines.push(line);
  }

  get hash() {
    return this.#hash >>> 0;
  }
}
