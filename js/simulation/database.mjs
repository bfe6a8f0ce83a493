import { FAULT, OUT } from "./trace.mjs";

/**
 * The application's own database, which outlives pages. Its transactions run one after the other, and each changes
 * everything or nothing. They may fail, or be complete without an answer, and pages may end in the middle.
 */
export class Database {
  /** The committed rows, by table, in the order of their insertion. */
  rows = new Map();
  #positions = new Map();
  #waiting = [];
  #current;

  constructor(world) {
    this.world = world;
  }

  /** The adapter for `customTransaction`, for one page. */
  of(page) {
    return {
      run: (body) =>
        new Promise((resolve, reject) => {
          this.#waiting.push({ page, body, resolve, reject });
          this.#next();
        }),
      read: (draft, key) => page.answer(this.#ms, () => structuredClone(draft.positions.get(key))),
      write: (draft, key, position) =>
        page.answer(this.#ms, () => void draft.positions.set(key, structuredClone(position))),
    };
  }

  get #ms() {
    return this.world.stage.rng.between(0, this.world.faults.store_ms_max);
  }

  /** A commit takes longer than nothing, or many messages would all be stored at one moment. */
  get #commitMs() {
    return 1 + this.world.faults.store_ms_max;
  }

  #next() {
    this.#waiting = this.#waiting.filter(({ page }) => page.isAlive);
    if (this.#current) return;
    const run = (this.#current = this.#waiting.shift());
    if (!run) return;
    const over = () => {
      run.page.ends.delete(over);
      if (this.#current !== run) return;
      this.#current = undefined;
      this.#next();
    };
    run.page.ends.add(over);
    const draft = { rows: new Map(this.rows), positions: new Map(this.#positions) };
    run.page
      .answer(this.#ms, () => run.body(draft))
      .then(() => this.#commit(run, draft))
      .then(run.resolve, run.reject)
      .finally(over);
  }

  async #commit({ page }, draft) {
    const { stage, faults } = this.world;
    const { rng } = stage;
    const fails = rng.chance(faults.store_fails);
    const lies = !fails && rng.chance(faults.store_lies);
    stage.note(
      fails || lies ? FAULT : OUT,
      page.name,
      `commits${fails ? ", in vain" : lies ? ", without an answer" : ""}`,
    );
    page.step("a commit", () => {
      if (fails) return;
      // A page that ends now: its transaction may be complete, or not.
      stage.after(this.#ms, () => {
        if (!page.isAlive && !rng.chance(500)) return;
        this.rows = draft.rows;
        this.#positions = draft.positions;
      });
    });
    await page.answer(this.#commitMs, () => {
      if (fails || lies) throw Object.assign(new Error("the simulated transaction failed"), { name: "AbortError" });
    });
  }
}

/** Adds a row to a table, in a transaction. */
export function insert(draft, table, row) {
  draft.rows.set(table, [...(draft.rows.get(table) ?? []), row]);
}
