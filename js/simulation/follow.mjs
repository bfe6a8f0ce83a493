import { Late } from "./late.mjs";
import { Reader } from "./reader.mjs";
import { STATE } from "./trace.mjs";

/** Storing a position: how long the package waits, and how long the storage takes. */
const STORED_MS = 10_000;

/**
 * A handle whose listener processes messages. Where it begins is up to the tab: at a position that the tab has stored, at
 * one that the package has stored, at the end of the log, or where the server says.
 */
export class Follower {
  /** When the last message was processed. */
  #processedAt = 0;

  constructor(app, ch) {
    const { page, world, tab } = app;
    const { rng } = world.stage;
    Object.assign(this, { app, ch });
    const { from, ...expected } = this.#start(tab.memory.get(ch));
    this.reader = new Reader(world, page.name, ch, expected);
    this.channel = app.client.channel(ch, from ? { from } : {});
    this.#listen(rng.chance(300), rng.chance(300));
    this.late = new Late(app, this);
  }

  /** `from` as the option, and what the reader expects. */
  #start(before) {
    const { tab, world } = this.app;
    const fromStart = { from: "start", isStart: true };
    switch (tab.start) {
      case "own":
        return before ? { from: before, start: { epoch: before.epoch, offset: before.offset } } : fromStart;
      case "tail":
        return { from: "tail", since: world.tail };
      case "package":
        return this.#stored ? { least: before } : {};
      default:
        // To the server, tabs that share a connection are one client, whose positions are nobody's.
        return tab.isShared ? fromStart : { least: before };
    }
  }

  /** The position that the package has stored. If the storage fails, it may be unknown to the package. */
  get #stored() {
    const { tab, world } = this.app;
    if (!world.isStorageReliable) return undefined;
    const records = tab.profile.positions.records("positions");
    return records.find(({ key }) => key === JSON.stringify([tab.name, this.ch]))?.value;
  }

  #listen(isSlow, isBatch) {
    const { app, ch, channel, reader } = this;
    const { page, world } = app;
    const received = (messages) => {
      if (!page.isAlive) return;
      this.#checkStored();
      for (const message of messages) {
        world.stage.note(STATE, page.name, `${ch} ${message.offset} ${message.data}`);
        reader.message(message);
      }
      const processed = () => {
        this.#processedAt = world.stage.now;
        page.step("the listener", () => app.tab.memory.set(ch, reader.position));
      };
      if (!isSlow) return processed();
      return page.answer(world.stage.rng.between(0, world.faults.listener_ms_max), () => {}).then(processed);
    };
    if (isBatch) channel.on("batch", received);
    else channel.on("message", (message) => received([message]));
    channel.on("gap", (gap) => {
      if (!page.isAlive) return;
      world.stage.note(STATE, page.name, `${ch} gap ${gap.reason} ${gap.from}-${gap.to ?? ""}`);
      reader.gap(gap);
    });
    channel.on("live", () => page.isAlive && reader.live(channel.position));
    channel.on("error", (error) => {
      const isStorage = error.code === "transaction_failed" && app.tab.start === "package" && !world.isStorageReliable;
      if (!isStorage) world.stage.fail(`${page.name}, ${ch}: ${error?.stack ?? error}`);
    });
  }

  /** What the package has stored was processed. */
  #checkStored() {
    const { app, ch, reader } = this;
    if (app.tab.start !== "package" || !reader.position?.epoch) return;
    const { epoch, offset } = this.#stored ?? {};
    if (epoch !== reader.position.epoch || app.world.journal.wasRewound(ch)) return;
    if (offset > reader.position.offset) {
      app.world.stage.fail(`${app.page.name}, ${ch}: ${offset} is stored, but ${reader.position.offset} was processed`);
    }
  }

  /** What is not as it must be when nothing is wrong any more. */
  unwell() {
    const { app, ch, channel, reader } = this;
    const end = app.world.journal.end(ch);
    if (!reader.isAt(end, channel.position)) {
      const at = JSON.stringify(reader.position ?? channel.position);
      return `${app.page.name} is at ${at} in ${ch}, which ends at ${JSON.stringify(end)}`;
    }
    const late = this.late.unwell();
    if (late) return late;
    const isStored = app.tab.start === "package" && this.#processedAt > 0 && app.world.isStorageReliable;
    const isLate = isStored && this.#processedAt < app.world.stage.now - STORED_MS;
    const { epoch, offset } = (isLate && this.#stored) || {};
    const isEnd = epoch === channel.position?.epoch && offset === channel.position?.offset;
    return isLate && !isEnd ? `the stored position of ${app.page.name} in ${ch} is ${epoch}/${offset}` : undefined;
  }
}
