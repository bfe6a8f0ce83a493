import type { Position } from "../types.js";
import type { Log } from "./log.js";

/** Where a subscription starts: where the client says, or at the position that is stored for it. */
export type Requested =
  | { name: "position"; position: Position }
  | { name: "end"; end: "start" | "tail" }
  | { name: "stored"; position: Position; found: boolean };

/** What the client is sent in `subd`, and the offset after which the replay begins. */
export interface Start {
  at: number;
  at_epoch?: string;
  resumed: boolean;
  after: number;
}

/** The table under "Subscribing" in `docs/PROTOCOL.md`. */
export function decide(requested: Requested, log: Log): Start {
  if (requested.name === "end") {
    const after = log.end(requested.end).offset;
    return { at: after, resumed: false, after };
  }
  const { position } = requested;
  const { after, fits } = afterPosition(position, log);
  if (requested.name === "position") return { at: after, resumed: fits, after };
  // As it was stored, so that the client sees what it has missed.
  const epoch = position.epoch === log.epoch ? {} : { at_epoch: position.epoch };
  return { at: position.offset, ...epoch, resumed: fits && requested.found, after };
}

/** The offset after which a log continues from a position, and whether nothing lies between. */
function afterPosition({ epoch, offset }: Position, log: Log): { after: number; fits: boolean } {
  const oldest = log.first - 1;
  if (epoch !== log.epoch) return { after: oldest, fits: false };
  if (offset > log.head) return { after: log.head, fits: false };
  return offset < oldest ? { after: oldest, fits: false } : { after: offset, fits: true };
}
