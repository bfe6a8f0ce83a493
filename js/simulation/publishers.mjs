import { STATE } from "./trace.mjs";

/** Every publication of every application, and what became of it. */
export class Publishers {
  /** By payload, which is unique. */
  all = new Map();
  #numbers = new Map();

  constructor(world) {
    this.world = world;
  }

  /** A new payload: the owner's next number in the channel. */
  next(owner, ch) {
    const name = `${owner}${ch}`;
    const number = (this.#numbers.get(name) ?? 0) + 1;
    this.#numbers.set(name, number);
    return `${name}.${number}`;
  }

  /** An application publishes: follows the promise. */
  follow(page, ch, text, promise) {
    // It may have crashed in the middle of the call.
    const publication = { page, ch, text, state: page.isAlive ? "waits" : "orphaned" };
    this.all.set(text, publication);
    promise.then(
      (answer) => page.isAlive && this.#stored(publication, answer),
      (error) => page.isAlive && this.#failed(publication, error),
    );
    return publication;
  }

  /** The server receives it, from any page. */
  arrived(key, text) {
    const publication = this.all.get(text);
    if (!publication) return void this.world.stage.fail(`the server received ${text}, which nobody published`);
    this.#checkDurable(publication);
    publication.key ??= key;
    if (publication.key !== key) this.world.stage.fail(`${text} was sent with the keys ${publication.key} and ${key}`);
    return publication;
  }

  /** A storage that works has a publication before the server. */
  #checkDurable({ page, text }) {
    const { tab } = page;
    if (!tab.hasStorage || page.hadStorageFault || tab.profile.store.stored.has(text)) return;
    this.world.stage.fail(`${text} was sent before it was stored`);
  }

  #stored(publication, { id, offset }) {
    const { stage, journal } = this.world;
    const { page, ch, text } = publication;
    stage.note(STATE, page.name, `${text} is stored at ${offset}`);
    stage.check(publication.state === "waits", () => `${text} is settled twice`);
    publication.state = "stored";
    this.world.count("publications");
    const entry = journal.find(ch, id);
    const isTrue = entry?.text === text && entry.offset === offset;
    stage.check(isTrue, () => `${text} counts as stored at ${offset} (${id}), where the log has ${entry?.text}`);
  }

  #failed(publication, error) {
    const { stage } = this.world;
    const { page, text } = publication;
    stage.note(STATE, page.name, `${text} fails: ${error.message ?? error}`);
    stage.check(publication.state === "waits", () => `${text} is settled twice`);
    publication.state = "failed";
    const isExpected = ["forbidden", "closed", "outbox_full"].includes(error?.code);
    stage.check(isExpected, () => `${text} failed with ${error?.stack ?? error}`);
  }

  /** A page is gone: its promises settle no more. */
  gone(page) {
    for (const publication of this.all.values()) {
      if (publication.page === page && publication.state === "waits") publication.state = "orphaned";
    }
  }

  /** Those that a storage had, and that are neither in the log nor reported to anybody. */
  lost() {
    const { journal, profiles, tabs } = this.world;
    const failed = new Set(tabs.flatMap(({ app }) => app.failed));
    const wasStored = (text) => profiles.some(({ store }) => store.stored.has(text) && !store.damaged.has(text));
    const isSettled = ({ ch, text, state, isRefused }) =>
      isRefused ? state === "failed" || failed.has(text) : journal.latest(ch, text) !== undefined;
    return [...this.all.values()].filter((publication) => wasStored(publication.text) && !isSettled(publication));
  }

  /** Those of living pages whose promises have not settled. */
  unsettled() {
    return [...this.all.values()].filter(({ state }) => state === "waits");
  }
}
