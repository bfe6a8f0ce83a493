import type { Setup } from "./commands.js";
import type { Stored } from "./record.js";

/** A publication that another page has left in the storage. Lists of them are in the order of their places. */
export interface Left {
  readonly place: string;
  readonly stored: Stored;
}

/** Divides what is found at first: what this page takes over at once, and the owners of the rest. */
export function divide(found: readonly Left[], { _owner, _tab }: Setup): { ours: Left[]; others: Set<string> } {
  // What we publish comes after what our tab has left. So we send that, too, if another page sends it already.
  const isOurs = ({ stored }: Left) => stored.tab === _tab || stored.owner === _owner || stored.failure !== undefined;
  const others = found.filter((left) => !isOurs(left)).map(({ stored }) => stored.owner);
  return { ours: found.filter(isOurs), others: new Set(others) };
}

/**
 * What a page takes over when an owner has ended. What the same tab has published before may have another owner already,
 * which has not sent it yet. So it is sent, too, or the order of the tab would change.
 */
export function leftBy(owner: string, found: readonly Left[]): Left[] {
  const last = new Map<string, string>();
  for (const { place, stored } of found) if (stored.owner === owner) last.set(stored.tab, place);
  return found.filter(({ place, stored }) => {
    const isBefore = !stored.failure && place < (last.get(stored.tab) ?? "");
    return isBefore || stored.owner === owner;
  });
}
