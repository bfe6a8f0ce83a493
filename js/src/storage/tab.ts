/** The names that outboxes of this page use now. */
const inUse = new Set<string>();

/** An outbox of this page, as one of a tab. */
export interface Tab {
  /** All page loads of a tab have the same. */
  readonly _name: string;
  /** The outbox ends; the next one of this page continues it. */
  _end(): void;
}

/**
 * The tab of an outbox: the owner that the first one in it had, which survives reloads. What earlier pages of a tab have
 * left comes before what we publish, whether or not the browser has noticed their end yet.
 *
 * A duplicated tab has the name of the original. Then both send what each finds of the other, which does no harm.
 */
export function tabOf(storage: string, own: string): Tab {
  let key = `seamline:outbox:${storage}`;
  while (inUse.has(key)) key += "+"; // another client of this page has the same storage
  inUse.add(key);
  let _name = own;
  try {
    _name = sessionStorage.getItem(key) ?? own;
    sessionStorage.setItem(key, _name);
  } catch {
    // There is none, as in workers.
  }
  return { _name, _end: () => void inUse.delete(key) };
}
