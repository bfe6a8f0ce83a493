/** The names that outboxes of this page use now. */
const inUse = new Set<string>();

/** An outbox of this tab. */
export interface Lineage {
  /** The owner that it continues. */
  readonly _predecessor: string | undefined;
  /** It ends; the next one with its name continues it. */
  _end(): void;
}

/**
 * Finds the owner that an outbox continues: that of the same tab before a reload. Its publications come before ours,
 * whether or not the browser has noticed its end yet. Writes down the own name for the next page load.
 *
 * In a duplicated tab, the one that it names lives. Then both send its publications, which does no harm.
 */
export function lineageOf(storage: string, own: string): Lineage {
  let key = `seamline:outbox:${storage}`;
  while (inUse.has(key)) key += "+"; // another client of this page has the same storage
  inUse.add(key);
  let before: string | null = null;
  try {
    before = sessionStorage.getItem(key);
    sessionStorage.setItem(key, own);
  } catch {
    // There is none, as in workers.
  }
  return { _predecessor: before ?? undefined, _end: () => void inUse.delete(key) };
}
