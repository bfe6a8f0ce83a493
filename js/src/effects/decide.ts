// What a transaction does with messages, given the position that it finds in the database. Nothing here does I/O.
import type { Position } from "../types.js";

/** A message, as far as it matters here. Without an id, only its offset is compared. */
export interface Step {
  readonly offset: number;
  readonly id?: string | undefined;
}

/**
 * How many of the messages the database has already, so that they are skipped. Or `"moved"`: the stored position is
 * not one from which the next message can follow.
 */
export type Verdict = number | "moved";

/**
 * Compares messages with the position that is stored.
 *
 * - `stored` is what the transaction reads.
 * - `known` is what was stored when this handle was last level with the database.
 * - `before` is the handle's own position: after the message before, or after a gap.
 *
 * As long as both are equal, nothing else has written, and every message is new, whatever its offset is: the log may
 * have been replaced or rewound. If they differ, another page follows the channel into the same database, or a commit
 * was reported as failed and was none. Pages only move a stored position on, except over a gap that was reported to them.
 */
export function decide(
  stored: Position | undefined,
  known: Position | undefined,
  before: Position,
  messages: readonly Step[],
): Verdict {
  if (isSame(stored, known)) return 0;
  if (!stored) return "moved"; // someone removed it
  const hasLeft = known?.epoch === before.epoch;
  // Another page knows that this history has ended. This handle's own gap follows.
  if (stored.epoch !== before.epoch) return hasLeft ? messages.length : "moved";
  const isBack = hasLeft && before.offset < known.offset;
  // The same, of a log that fell back.
  if (hasLeft && stored.offset < known.offset && !isBack) return messages.length;
  const last = messages.findIndex((message) => message.offset >= stored.offset);
  const at = last < 0 ? undefined : messages[last]!;
  if (at?.offset === stored.offset && isSameId(at.id, stored.id)) return last + 1;
  // After a fall this handle cannot know which of the two histories the position belongs to.
  if (isBack || at?.offset === stored.offset || stored.offset < before.offset) return "moved";
  if (stored.offset === before.offset && !isSameId(stored.id, before.id)) return "moved";
  return at ? last : messages.length;
}

export function isSame(a: Position | undefined, b: Position | undefined): boolean {
  return a?.epoch === b?.epoch && a?.offset === b?.offset && isSameId(a?.id, b?.id);
}

function isSameId(a: string | undefined, b: string | undefined): boolean {
  return a === undefined || b === undefined || a === b;
}
