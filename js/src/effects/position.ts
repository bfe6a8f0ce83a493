import { isText } from "../text.js";
import type { Position } from "../types.js";
import { transactionFailed } from "./failure.js";

/** What a database has under a key, as a position. Throws if it is something else. */
export function positionOf(value: unknown, channel: string): Position | undefined {
  if (value === undefined || value === null) return undefined;
  const { epoch, offset, id } = value as Position;
  const isOffset = Number.isSafeInteger(offset) && offset >= 0;
  if (isText(epoch) && isOffset && (id === undefined || id === null || isText(id))) {
    return { epoch, offset, ...(id && { id }) };
  }
  throw transactionFailed(
    `cannot read the stored position of channel "${channel}"`,
    "it is not one; delete it, and what was stored with it",
  );
}
