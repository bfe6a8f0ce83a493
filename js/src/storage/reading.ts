import { invalid } from "../error.js";
import type { StorageRecord } from "./types.js";
import { within } from "./within.js";

/** What is read from. */
interface Source {
  read(table: string, prefix?: string): Promise<readonly StorageRecord[]>;
}

/** Reads records of a table. An adapter that is not ours may return anything. */
export async function readRecords(storage: Source, table: string, prefix?: string): Promise<readonly StorageRecord[]> {
  const records: unknown = await within(() => storage.read(table, prefix));
  if (Array.isArray(records) && records.every(isRecord)) return records;
  throw invalid("storage_failed", "result of the storage's read()", records, "return a list of { key, value }");
}

function isRecord(record: unknown): boolean {
  return typeof (record as Partial<StorageRecord> | null)?.key === "string";
}
