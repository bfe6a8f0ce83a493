import { Reader } from "./reader.mjs";
import { FAULT, STATE } from "./trace.mjs";

/** So much a log does not grow in a run. */
const BEYOND = 1_000_000;

/**
 * A handle whose start point is a function: it fetches a document, which is all that was published, and follows the
 * channel from the position of it. The position is read before the document.
 */
export class DocumentFollower {
  /** The ids of the messages in the document. */
  #document;
  /** What comes after the last fetch. */
  #reader;
  #fetching;
  #fetches = 0;

  constructor(app, ch) {
    const { page } = app;
    Object.assign(this, { app, ch });
    const from = page.package.state.state((cause, { signal }) => this.#fetch(cause, signal));
    this.channel = app.client.channel(ch, { from });
    this.#listen();
  }

  async #fetch(cause, signal) {
    const { app, ch } = this;
    const { page, world } = app;
    const { stage, faults, journal, server } = world;
    const { rng } = stage;
    if (!page.isAlive) return undefined;
    stage.note(STATE, page.name, `${ch} fetch: ${cause}`);
    world.count("fetches");
    if (this.#fetching && !this.#fetching.aborted) stage.fail(`${page.name}, ${ch}: two fetches at a time`);
    if ((cause === "start") !== (this.#fetches === 0)) stage.fail(`${page.name}, ${ch}: the cause ${cause} is wrong`);
    this.#fetching = signal;
    const isSlow = rng.chance(faults.state_slow);
    const ms = () => rng.between(0, isSlow ? 30_000 : faults.latency_ms_max);
    try {
      const position = await page.answer(ms(), () => server.position(ch));
      page.step("a fetch", () => {});
      if (rng.chance(faults.state_fails)) throw new Error("the simulated fetch fails");
      const ids = await page.answer(ms(), () => new Set(journal.ids(ch)));
      if (signal.aborted || !page.isAlive) return position;
      this.#fetches++;
      const isLost = rng.chance(faults.state_lost);
      if (isLost) stage.note(FAULT, page.name, `${ch} fetch returns a position that is lost`);
      const lost = { epoch: rng.pick([position.epoch, "gone"]), offset: position.offset + BEYOND };
      const returned = isLost ? lost : position;
      this.#document = ids;
      this.#reader = new Reader(world, page.name, ch, {
        start: { epoch: returned.epoch, offset: returned.offset },
      });
      return returned;
    } finally {
      if (this.#fetching === signal) this.#fetching = undefined;
    }
  }

  #listen() {
    const { app, ch, channel } = this;
    const { page, world } = app;
    channel.on("message", (message) => {
      if (!page.isAlive) return;
      world.stage.note(STATE, page.name, `${ch} ${message.offset} ${message.data}`);
      if (!this.#reader) return world.stage.fail(`${page.name}, ${ch}: a message before the document`);
      this.#reader.message(message);
      page.step("the listener", () => this.#document.add(message.id));
    });
    channel.on("gap", ({ reason }) =>
      world.stage.fail(`${page.name}, ${ch}: a gap (${reason}) reached the application`),
    );
    channel.on("error", (error) => {
      world.stage.note(STATE, page.name, `${ch} error: ${error.message}`);
      if (error.code !== "state_failed") world.stage.fail(`${page.name}, ${ch}: ${error?.stack ?? error}`);
    });
  }

  unwell() {
    const { app, ch } = this;
    const { journal } = app.world;
    const ids = journal.ids(ch);
    if (!this.#document) return `${app.page.name} has no document of ${ch}`;
    if (journal.wasRewound(ch)) return undefined;
    const missing = ids.find((id) => !this.#document.has(id));
    if (missing) return `the document of ${app.page.name} lacks ${journal.find(ch, missing).text}`;
    if (this.#document.size === ids.length) return undefined;
    const other = [...this.#document].find((id) => !ids.includes(id));
    return `the document of ${app.page.name} has ${journal.find(ch, other).text}, which ${ch} has lost`;
  }
}
