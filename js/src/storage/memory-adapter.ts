import type { Storage, StorageChange, StorageRecord } from "./types.js";

/** A storage that ends with the page. */
export class MemoryAdapter implements Storage {
  #tables = new Map<string, Map<string, string>>();

  async read(table: string, prefix = ""): Promise<readonly StorageRecord[]> {
    const records = [...(this.#tables.get(table) ?? [])].filter(([key]) => key.startsWith(prefix));
    return records.sort(([a], [b]) => (a < b ? -1 : 1)).map(([key, json]) => ({ key, value: JSON.parse(json) }));
  }

  async write(changes: readonly StorageChange[]): Promise<void> {
    const texts = changes.map(({ value }) => value === undefined || JSON.stringify(value)); // it may throw
    for (const [i, { table, key }] of changes.entries()) {
      const records = this.#tables.get(table) ?? new Map<string, string>();
      this.#tables.set(table, records);
      const text = texts[i];
      if (typeof text === "string") records.set(key, text);
      else records.delete(key);
    }
  }
}
