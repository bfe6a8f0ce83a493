import type { Position } from "../types.js";
import { decide, isSame, type Step } from "./decide.js";

/** What a transaction does with the messages of a handle. */
export type Plan =
  /** Leave the first `skip` messages out, because the database has them. If any is left, store `position` with it. */
  { readonly skip: number; readonly position: Position } | "moved";

/** What one handle knows of the position in the database. It does no I/O. */
export class Ledger {
  /** What was stored when the handle was last level with the database. */
  #known: Position | undefined;

  /** The handle begins after this position. */
  begin(stored: Position | undefined): void {
    this.#known = stored;
  }

  /**
   * What a transaction does that has read `stored`. `before` is the handle's position. `positionId` replaces the id of
   * the last message in the position, if a server's ids need that.
   */
  plan(
    stored: Position | undefined,
    before: Position,
    messages: readonly Step[],
    positionId: string | undefined,
  ): Plan {
    const steps = positionId === undefined ? messages : messages.map(({ offset }) => ({ offset }));
    const skip = decide(stored, this.#known, before, steps);
    if (skip === "moved") return skip;
    const { offset, id } = messages.at(-1)!;
    return { skip, position: { epoch: before.epoch, offset, id: positionId ?? id } };
  }

  /** The transaction of a plan has committed. `stored` is what it had read. */
  committed(plan: Exclude<Plan, "moved">, stored: Position | undefined, count: number): void {
    if (plan.skip < count) this.#known = plan.position;
    else if (isSame(stored, plan.position)) this.#known = stored;
  }
}
