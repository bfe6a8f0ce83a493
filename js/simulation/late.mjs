import { Reader } from "./reader.mjs";
import { STATE } from "./trace.mjs";

/** Opens a second handle of a channel now and then, and closes it again. It begins wherever a handle may begin. */
export class Late {
  #handle;
  /** Where the first handle has been. */
  #past;

  constructor(app, first) {
    Object.assign(this, { app, first });
    if (app.world.faults.late_every_ms > 0) this.#later();
  }

  #later() {
    const { page, world } = this.app;
    const { stage, faults } = world;
    stage.after(stage.rng.between(1, 2 * faults.late_every_ms), () =>
      page.enter(() => {
        if (!world.isWriting) return;
        this.#change();
        this.#later();
      }),
    );
  }

  #change() {
    const { rng } = this.app.world.stage;
    if (rng.chance(300)) this.#past = this.first.reader.position;
    if (!this.#handle) return this.#open();
    this.#handle.channel.close();
    this.#handle = undefined;
  }

  #open() {
    const { app, first } = this;
    const { page, world } = app;
    const { ch } = first;
    const past = this.#past?.epoch ? { epoch: this.#past.epoch, offset: this.#past.offset } : undefined;
    const [from, expected] = world.stage.rng.pick([
      [undefined, {}],
      ["start", { isStart: true }],
      // It begins after what has arrived: while the page reconnects, that is a while ago.
      ["tail", world.isNetworkSound && !app.tab.isShared ? { since: world.tail } : {}],
      [past, { start: past }],
    ]);
    const name = from === past ? `${past?.epoch.slice(0, 4)}/${past?.offset}` : from;
    world.stage.note(STATE, page.name, `${ch} a second handle from ${name}`);
    const reader = new Reader(world, `${page.name}, second handle`, ch, expected);
    const channel = app.client.channel(ch, from && { from });
    const isCurrent = () => page.isAlive && this.#handle?.channel === channel;
    this.#handle = { channel, reader };
    channel.on("message", (message) => {
      if (!isCurrent()) return;
      world.stage.note(STATE, page.name, `${ch} ${message.offset} ${message.data}, second handle`);
      reader.message(message);
    });
    channel.on("gap", (gap) => {
      if (!isCurrent()) return;
      world.stage.note(STATE, page.name, `${ch} gap ${gap.reason} ${gap.from}-${gap.to ?? ""}, second handle`);
      reader.gap(gap);
    });
    channel.on("live", () => isCurrent() && reader.live(channel.position));
    channel.on("error", (error) => {
      const isStorage = error.code === "transaction_failed" && !world.isStorageReliable;
      if (!isStorage) world.stage.fail(`${page.name}, ${ch}, second handle: ${error?.stack ?? error}`);
    });
  }

  unwell() {
    const { app, first } = this;
    const { channel, reader } = this.#handle ?? {};
    const end = app.world.journal.end(first.ch);
    if (!channel || reader.isAt(end, channel.position)) return undefined;
    const at = JSON.stringify(reader.position ?? channel.position);
    return `the second handle of ${app.page.name} is at ${at} in ${first.ch}, which ends at ${JSON.stringify(end)}`;
  }
}
