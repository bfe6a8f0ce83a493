/** How many page loads are remembered. The protocol has the same limit. */
const NAMES_MAX = 8;

/** The keys that clients of this page use now. */
const inUse = new Set<string>();

/**
 * The page loads of a tab, by which the server distinguishes copies of a tab. A duplicated tab has a copy of
 * `sessionStorage`, and so the same client id; but from then on each of the two adds names of its own.
 */
export interface Lineage {
  /**
   * The names as the server expects them, this page load's first; `undefined` without a `sessionStorage`.
   * Also writes them there, for the next page load.
   */
  _names(): string | undefined;
  /** The client is closed; the next one with its id continues it. */
  _end(): void;
}

/** The lineage of a client. `own` is drawn at random: 16 digits or small letters. */
export function lineageOf(clientId: string, own: string): Lineage {
  let key = `seamline:${clientId}`;
  while (inUse.has(key)) key += "+"; // another client of this page has the same id
  inUse.add(key);
  return {
    _names() {
      let names: string | undefined;
      try {
        const past = sessionStorage.getItem(key)?.match(/[0-9a-z]{16}/g) ?? [];
        names = [...new Set([own, ...past])].slice(0, NAMES_MAX).join(" ");
        sessionStorage.setItem(key, names);
      } catch {
        // The storage is missing, forbidden or full.
      }
      return names;
    },
    _end: () => void inUse.delete(key),
  };
}
