import { Reader } from "./reader.mjs";
import { STATE } from "./trace.mjs";

/**
 * A handle whose listener processes messages. It continues at a position that the tab has stored, or else, without one,
 * where the server says.
 */
export class Follower {
  constructor(app, ch) {
    const { page, world, tab } = app;
    Object.assign(this, { app, ch });
    const before = tab.memory.get(ch);
    const stored = tab.storesPositions ? before : undefined;
    const start = stored && { epoch: stored.epoch, offset: stored.offset };
    this.reader = new Reader(world, page.name, ch, start, before);
    // To the server, tabs that share a connection are one client, whose positions are nobody's.
    this.channel = app.client.channel(ch, stored ? { from: stored } : tab.isShared ? { from: "start" } : {});
    this.#listen(world.stage.rng.chance(300));
  }

  #listen(isSlow) {
    const { app, ch, channel, reader } = this;
    const { page, world } = app;
    channel.on("message", (message) => {
      if (!page.isAlive) return;
      world.stage.note(STATE, page.name, `${ch} ${message.offset} ${message.data}`);
      reader.message(message);
      const processed = () => page.step("the listener", () => app.tab.memory.set(ch, reader.position));
      if (!isSlow) return processed();
      return page.answer(world.stage.rng.between(0, world.faults.listener_ms_max), () => {}).then(processed);
    });
    channel.on("gap", (gap) => {
      if (!page.isAlive) return;
      world.stage.note(STATE, page.name, `${ch} gap ${gap.reason} ${gap.from}-${gap.to ?? ""}`);
      reader.gap(gap);
    });
    channel.on("error", (error) => world.stage.fail(`${page.name}, ${ch}: ${error?.stack ?? error}`));
  }

  /** What is not as it must be when nothing is wrong any more. */
  unwell() {
    const { app, ch, channel, reader } = this;
    const end = app.world.journal.end(ch);
    if (reader.isAt(end, channel.position)) return undefined;
    const at = JSON.stringify(reader.position ?? channel.position);
    return `${app.page.name} is at ${at} in ${ch}, which ends at ${JSON.stringify(end)}`;
  }
}
