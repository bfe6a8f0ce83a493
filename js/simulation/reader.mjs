/**
 * Checks what a handle of a channel gets: every message after its start point once and in order, or a gap that is true.
 * `expected` is what must come next; undefined if that is up to the server.
 */
export class Reader {
  /** The position after what it got last. */
  position;
  #seen = new Set();
  #gap;

  /**
   * `start` is its start point, if it has one. Or else the stream must begin at `least` at the latest, where the page
   * before has been: an earlier start is a repetition. With `isStart`, it begins at the first message that the log has; with `since`,
   * it has none from before that time.
   */
  constructor(world, name, ch, { start, least, isStart, since = 0 } = {}) {
    Object.assign(this, { world, name, ch, least, isStart, since });
    this.position = start;
  }

  /** It is live: what comes next is known, even if nothing has come yet. */
  live(position) {
    if (this.position || this.#gap || !position) return;
    this.#checkStart(position.epoch, position.offset + 1);
    this.position = { epoch: position.epoch, offset: position.offset };
  }

  #fail(what) {
    this.world.stage.fail(`${this.name}, ${this.ch}: ${what}`);
  }

  message({ offset, id, data }) {
    const entry = this.world.journal.find(this.ch, id);
    if (!entry) return this.#fail(`got ${data} with the id ${id}, which the log never had`);
    if (entry.text !== data) return this.#fail(`got ${data} with the id ${id}, which is ${entry.text}`);
    if (entry.offset !== offset) return this.#fail(`got ${data} at ${offset}, but it is at ${entry.offset}`);
    if (this.#seen.has(id)) return this.#fail(`got ${data} twice`);
    if (entry.at < this.since) return this.#fail(`got ${data}, which is from long before it began`);
    this.#seen.add(id);
    this.world.count("messages");
    this.#checkNext(entry);
    this.position = { epoch: entry.epoch, offset };
    this.#gap = undefined;
  }

  #checkNext({ epoch, offset, text }) {
    const at = this.position;
    const isNext = !at || ((at.epoch ?? epoch) === epoch && at.offset + 1 === offset);
    if (this.#gap?.reason === "epoch_changed") {
      const { first } = this.world.journal.epoch(this.ch, epoch);
      if (offset > first) this.#fail(`got ${text} at ${offset} first in a new epoch, which begins at ${first}`);
    } else if (!isNext && (this.#gap?.reason !== "rewound" || offset !== this.#gap.to + 1)) {
      // After a rewind the log may have grown beyond the gap again.
      this.#fail(`got ${text} at ${epoch.slice(0, 4)}/${offset} after ${at.epoch?.slice(0, 4)}/${at.offset}`);
    } else if (!at) {
      this.#checkStart(epoch, offset);
    }
  }

  #checkStart(epoch, offset) {
    const { least, isStart } = this;
    const { first, rewinds } = this.world.journal.epoch(this.ch, epoch);
    // A position that the server has stored cannot show that the log was rewound meanwhile, and has grown again.
    if (rewinds.some((head) => head < offset)) return;
    if (isStart && offset > first) this.#fail(`began at ${offset}, but the log at ${first}`);
    if (least?.epoch === epoch && offset > least.offset + 1) {
      this.#fail(`began at ${offset}, but ${least.offset + 1} was not processed`);
    }
  }

  /** A gap must be true: the log has lost the messages. */
  gap(gap) {
    this.world.count("gaps");
    const { from, to, reason } = gap;
    const { journal } = this.world;
    const at = this.position;
    if (at && reason !== "rewound" && from !== at.offset + 1) this.#fail(`got a gap from ${from} after ${at.offset}`);
    if (!at && reason === "trimmed") this.#checkStart(journal.end(this.ch).epoch, from);
    const past = at && journal.epoch(this.ch, at.epoch);
    if (reason === "hole") this.#fail("got a hole, but the server skips nothing");
    if (past && reason === "trimmed" && past.first <= to) this.#fail(`the gap ${from}-${to} was not trimmed`);
    // If the stream begins again for another handle, one that is ahead notices the rewind at its own position only.
    const begin = this.world.drawn.late_every_ms > 0 ? to : from;
    if (past && reason === "rewound" && !past.rewinds.some((head) => head < begin)) {
      this.#fail(`the log was not rewound before ${from}`);
    }
    if (past && reason === "epoch_changed" && at.epoch === journal.end(this.ch).epoch) {
      this.#fail("the epoch has not changed");
    }
    this.#gap = gap;
    if (reason === "epoch_changed") this.position = undefined;
    else this.position = { epoch: at?.epoch, offset: reason === "rewound" ? from - 1 : to };
  }

  /** The position in the current epoch, for the end of a run. */
  isAt({ epoch, offset }, position) {
    const at = this.position?.epoch ? this.position : position;
    return at?.epoch === epoch && at.offset === offset;
  }
}
