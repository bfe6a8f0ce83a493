import { STATE } from "./trace.mjs";

/** Reads messages of the past of a channel now and then, as a chat does that scrolls up, and checks what it gets. */
export class Past {
  #waiting = 0;

  constructor(app, { ch, channel }) {
    const { page, world } = app;
    Object.assign(this, { page, world, ch, channel });
    if (page.package.history && world.faults.history_every_ms > 0) this.#later();
  }

  #later() {
    const { stage, faults } = this.world;
    stage.after(stage.rng.between(1, 2 * faults.history_every_ms), () =>
      this.page.enter(() => {
        if (!this.world.isWriting) return;
        void this.#read();
        this.#later();
      }),
    );
  }

  async #read() {
    const { page, world, ch, channel } = this;
    const { rng } = world.stage;
    const at = channel.position;
    const limit = rng.between(1, 30);
    // A handle may be at a position that the log does not have.
    const end = Math.min(at?.offset ?? 0, world.journal.end(ch).offset);
    const before = at && rng.chance(700) ? rng.between(1, end + 1) : undefined;
    this.#waiting++;
    try {
      const { history } = page.package.history;
      const found = await history(channel, before === undefined ? { limit } : { limit, before });
      if (!page.isAlive) return;
      world.stage.note(STATE, page.name, `${ch} has ${found.messages.length} messages before ${before}`);
      world.count("histories");
      this.#check(found, limit, before, at);
    } catch (error) {
      const isReplaced = error?.code === "epoch_changed" && at?.epoch !== world.journal.end(ch).epoch;
      if (page.isAlive && !isReplaced) world.stage.fail(`${page.name}, ${ch}: ${error?.stack ?? error}`);
    } finally {
      this.#waiting--;
    }
  }

  #check({ messages, isStart }, limit, before, at) {
    const { journal } = this.world;
    for (const { id, offset, data } of messages) {
      const entry = journal.find(this.ch, id);
      if (entry?.text !== data || entry.offset !== offset) return this.#fail(`has ${data} at ${offset}`);
    }
    if (messages.length > limit) return this.#fail(`has ${messages.length} of ${limit} messages`);
    if (!isStart && messages.length < limit) return this.#fail(`ends after ${messages.length} of ${limit} messages`);
    const { epoch } = journal.find(this.ch, messages[0]?.id) ?? at ?? {};
    const { first, rewinds } = journal.epoch(this.ch, epoch) ?? {};
    if (rewinds?.length !== 0) return; // it may have been read in parts, before and after
    const odd = messages.find(({ offset }, i) => offset !== messages[0].offset + i);
    if (odd) return this.#fail(`has a hole before ${odd.data}`);
    const begin = messages[0]?.offset ?? before ?? 0;
    if (isStart && begin > first) return this.#fail(`begins at ${begin}, but the log at ${first}`);
    const end = messages.at(-1)?.offset ?? before - 1;
    if (before !== undefined && end !== before - 1) this.#fail(`ends at ${end}, not before ${before}`);
  }

  #fail(what) {
    this.world.stage.fail(`${this.page.name}: the history of ${this.ch} ${what}`);
  }

  unwell() {
    return this.#waiting > 0 ? `${this.page.name} waits for the history of ${this.ch}` : undefined;
  }
}
