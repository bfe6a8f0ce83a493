// Checks what a handler received, independently of the library: every offset once, each one more than the one
// before, with growing ids. It is kept across reloads of the page, so it also sees what a reload loses or repeats.
import { number, plural } from "./words.js";

export class Check {
  /** @param saved what {@link Check.save} returned in an earlier load of the page */
  constructor(saved) {
    const fresh = { count: 0, next: null, lastId: "0-0", gaps: 0, missing: [], repeated: [], disordered: [], loads: 0 };
    Object.assign(this, fresh, saved);
    this.loads++;
  }

  save() {
    return { ...this };
  }

  /** The handler received a message. */
  message({ id, offset }) {
    if (this.next !== null && offset < this.next) return this.#before(offset);
    this.count++;
    if (this.next !== null && offset > this.next) {
      for (let missing = this.next; missing < offset && this.missing.length < 10_000; missing++)
        this.missing.push(missing);
    }
    if (compareIds(id, this.lastId) <= 0) this.disordered.push(offset);
    this.next = offset + 1;
    this.lastId = id;
  }

  #before(offset) {
    const place = this.missing.indexOf(offset);
    if (place < 0) return this.repeated.push(offset);
    this.missing.splice(place, 1);
    this.disordered.push(offset);
    this.count++;
  }

  /** A gap was reported. A reported loss is not an error, and the next message comes after it. */
  gap({ to, reason }) {
    this.gaps++;
    const goesOn = reason === "trimmed" || reason === "hole";
    this.next = goesOn && to !== undefined ? to + 1 : null;
    if (!goesOn) this.lastId = "0-0"; // another log, or offsets used again
  }

  /** Whether everything is right, and a sentence about it. */
  get verdict() {
    const wrong = [
      [this.missing, "missing"],
      [this.repeated, "repeated"],
      [this.disordered, "out of order"],
    ].filter(([offsets]) => offsets.length > 0);
    const gaps = this.gaps ? `; ${plural(this.gaps, "gap")} reported` : "";
    const loads = this.loads > 1 ? `, across ${number(this.loads)} page loads` : "";
    if (wrong.length > 0) {
      const parts = wrong.map(([offsets, what]) => `${number(offsets.length)} ${what} (offset ${some(offsets)})`);
      return { ok: false, text: `Errors in ${plural(this.count, "message")}: ${parts.join(", ")}${gaps}` };
    }
    if (this.count === 0) return { ok: true, text: `No messages yet${gaps}` };
    const once = this.count === 1 ? "once" : "each once, in order";
    return { ok: true, text: `${plural(this.count, "message")}, ${once}${loads}${gaps}` };
  }
}

function some(offsets) {
  return offsets.slice(0, 3).map(number).join(", ") + (offsets.length > 3 ? ", …" : "");
}

/** Ids are `<milliseconds>-<sequence>`, to be compared as two numbers: as text, `5-10` comes before `5-9`. */
function compareIds(a, b) {
  const [[aMs, aSeq], [bMs, bSeq]] = [a, b].map((id) => id.split("-").map(Number));
  return aMs - bMs || aSeq - bSeq;
}
