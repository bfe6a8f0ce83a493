import { text } from "../error.js";
import { isName, isText } from "../text.js";
import type { Position } from "../types.js";
import { transactionFailed } from "./failure.js";
import type { ObjectStoreLike } from "./keep-open.js";

/** What a database has under a key, as a position. Throws if it is something else. */
export function positionOf(value: unknown, channel: string): Position | undefined {
  if (value === undefined || value === null) return undefined;
  const { epoch, offset, id } = value as Position;
  const isOffset = Number.isSafeInteger(offset) && offset >= 0;
  if (isName(epoch) && isOffset && (id === undefined || id === null || isText(id))) {
    return { epoch, offset, ...(id && { id }) };
  }
  throw transactionFailed(
    `cannot read the stored position of channel "${channel}"`,
    `${text(value, JSON.stringify).slice(0, 100)} is none; delete it, and what was stored with it`,
  );
}

/** Throws if positions cannot be stored there. */
export function checkPositions({ keyPath }: ObjectStoreLike): void {
  if (keyPath === null || keyPath === undefined) return;
  throw transactionFailed(
    "cannot store positions",
    `their object store has the key path ${JSON.stringify(keyPath)}; create one without: \`db.createObjectStore("positions")\``,
  );
}
