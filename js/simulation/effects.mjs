import { insert } from "./database.mjs";
import { STATE } from "./trace.mjs";

/** A handle whose listener stores each message as a row, in a transaction with its position. */
export class EffectFollower {
  constructor(app, ch) {
    const { page, tab } = app;
    Object.assign(this, { app, ch, table: `${tab.name}${ch}` });
    const { customTransaction } = page.package.effects;
    const transaction = customTransaction(tab.profile.database.of(page), { key: this.table });
    this.channel = app.client.channel(ch, { from: "start", transaction });
    this.#listen();
  }

  #listen() {
    const { app, ch, channel, table } = this;
    const { page, world } = app;
    const { rng } = world.stage;
    const store = async (messages, draft) => {
      if (!page.isAlive) return;
      for (const { id, offset, data } of messages) {
        world.stage.note(STATE, page.name, `${ch} ${offset} ${data} as a row`);
        world.count("rows");
        if (rng.chance(300)) await page.answer(rng.between(0, world.faults.listener_ms_max), () => {});
        page.step("the listener", () => insert(draft, table, { id, offset, text: data }));
        if (rng.chance(world.faults.listener_throws)) throw new Error("the simulated listener fails");
      }
    };
    if (rng.chance(300)) channel.on("batch", store);
    else channel.on("message", (message, draft) => store([message], draft));
    channel.on("gap", ({ from, to, reason }) => {
      if (page.isAlive) world.stage.note(STATE, page.name, `${ch} gap ${reason} ${from}-${to ?? ""}`);
    });
    channel.on("error", (error) => {
      world.stage.note(STATE, page.name, `${ch} error: ${error.message}`);
      const isExpected = /simulated/.test(error.message);
      if (!isExpected) world.stage.fail(`${page.name}, ${ch}: ${error?.stack ?? error}`);
    });
  }

  /** The rows are the messages of the log, each once and in order. What the log has lost may be there too. */
  broken() {
    const { app, ch, table } = this;
    const { journal, drawn } = app.world;
    const rows = app.tab.profile.database.rows.get(table) ?? [];
    const ids = new Set();
    let last;
    for (const { id, offset, text } of rows) {
      const entry = journal.find(ch, id);
      if (entry?.text !== text || entry.offset !== offset) return `${table} has ${text}, which ${ch} never had there`;
      if (ids.has(id)) return `${table} has ${text} twice`;
      ids.add(id);
      const isBehind = last && last.epoch === entry.epoch && offset <= last.offset;
      if (isBehind && drawn.rewind === 0) return `${table} has ${text} after ${last.text}`;
      last = entry;
    }
    return undefined;
  }

  unwell() {
    const { app, ch, channel, table } = this;
    const { journal } = app.world;
    const end = journal.end(ch);
    const at = channel.position;
    if (at?.epoch !== end.epoch || at.offset !== end.offset) {
      return `${app.page.name} is at ${JSON.stringify(at)} in ${ch}, which ends at ${JSON.stringify(end)}`;
    }
    const broken = this.broken();
    if (broken) return broken;
    const ids = new Set((app.tab.profile.database.rows.get(table) ?? []).map(({ id }) => id));
    const missing = journal.messages(ch).find(({ id }) => !ids.has(id));
    return missing && !journal.wasRewound(ch) ? `${table} does not have ${missing.json}` : undefined;
  }
}
