import { FAULT } from "./trace.mjs";

/** How long a storage that hangs takes: longer than the package waits. */
const HANGS_MS = 15_000;
/** A payload, inside the text of a record. */
const PAYLOAD = /p\d[\w.]*\.\d+/g;

/**
 * Records that outlive pages: the storage of a browser. Each operation takes time, and may fail in every way: refused,
 * not applied, applied without an answer, applied much later, or interrupted by the end of the page.
 */
export class Store {
  #tables = new Map();
  /** Payloads that a record had, ever. */
  stored = new Set();
  /** Payloads of records that were damaged. */
  damaged = new Set();
  /** Keys of failed publications that were damaged. Their page knows of their failure, and does not read them again. */
  #damagedFailures = new Set();
  /** When the last operation takes effect. */
  #last = 0;

  constructor(world) {
    this.world = world;
  }

  /** The `Storage` of the package, for one page. */
  of(page) {
    return {
      read: (table, prefix = "") => this.#operate(page, "read", () => this.#read(table, prefix)),
      write: (changes) => {
        const copy = structuredClone(changes);
        return this.#operate(page, `write ${copy.map(({ key, value }) => `${value ? "+" : "-"}${key}`)}`, () =>
          this.#write(copy),
        );
      },
    };
  }

  /** What is left in a table. */
  records(table) {
    return this.#read(table, "");
  }

  /** The publications that have not failed. */
  waiting() {
    const all = this.records("publications");
    return all.filter(({ key, value }) => !value?.failure && !this.#damagedFailures.has(key));
  }

  /** Somebody damages a record by hand. */
  damage(rng) {
    const [table] = [...this.#tables.values()].filter(({ size }) => size > 0);
    if (!table) return;
    const key = rng.pick([...table.keys()]);
    this.world.stage.note(FAULT, "store", `damages ${key}`);
    const before = table.get(key);
    for (const payload of payloads(before)) this.damaged.add(payload);
    if (JSON.parse(before)?.failure) this.#damagedFailures.add(key);
    table.set(key, rng.pick(["null", "17", '"x"', "{}", '{"json":7}', "[]"]));
  }

  #operate(page, what, apply) {
    const { stage, faults } = this.world;
    const { rng } = stage;
    if (!page.isAlive) return new Promise(() => {});
    const fate = this.#fate(page);
    // They take effect in their order, those of all pages.
    this.#last = Math.max(this.#last, stage.now + rng.between(0, faults.store_ms_max));
    const waits = this.#last - stage.now;
    if (fate !== "works") page.hadStorageFault = true;
    stage.note(fate === "works" ? ">" : FAULT, page.name, `store ${what}${fate === "works" ? "" : `: ${fate}`}`);
    return (
      page.step("a store operation", () => {
        let result;
        const isDone = fate === "works" || fate === "lies" || fate === "hangs";
        stage.after(fate === "hangs" ? HANGS_MS : waits, () => {
          // A page that has ended meanwhile: its transaction may be complete, or not.
          if (isDone && (page.isAlive || (fate !== "hangs" && rng.chance(500)))) result = apply();
        });
        return page.answer((fate === "hangs" ? HANGS_MS : waits) + rng.between(0, faults.store_ms_max), () => {
          if (fate === "works" || fate === "hangs") return result;
          throw Object.assign(new Error(`the simulated storage ${fate}`), { name: "UnknownError" });
        });
      }) ?? new Promise(() => {})
    );
  }

  #fate(page) {
    const { faults, stage } = this.world;
    if (page.isStorageRefused && !this.world.isHealed) return "is refused";
    if (stage.rng.chance(faults.store_fails)) return "fails";
    if (stage.rng.chance(faults.store_lies)) return "lies";
    if (stage.rng.chance(faults.store_hangs)) return "hangs";
    return "works";
  }

  #read(table, prefix) {
    const records = [...(this.#tables.get(table) ?? new Map())].filter(([key]) => key.startsWith(prefix));
    records.sort(([a], [b]) => (a < b ? -1 : 1));
    return records.map(([key, json]) => ({ key, value: JSON.parse(json) }));
  }

  #write(changes) {
    for (const { table, key, value } of changes) {
      const records = this.#tables.get(table) ?? new Map();
      this.#tables.set(table, records);
      if (value === undefined) records.delete(key);
      else {
        const json = JSON.stringify(value);
        for (const payload of payloads(json)) this.stored.add(payload);
        records.set(key, json);
      }
    }
  }
}

const payloads = (json) => json.match(PAYLOAD) ?? [];
