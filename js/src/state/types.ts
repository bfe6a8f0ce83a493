import type { AbortSignalLike, Gap, Position } from "../types.js";

/** Why the state is fetched: `"start"` at first, and then the reason of what would have been a gap. */
export type StateCause = "start" | Gap["reason"];

/** Where the stream continues after the state: at a position, or at the start of a log that did not exist yet. */
export type StatePosition = Position | "start";

/** The platform's `AbortSignal`, as far as an application's compiler knows it: `fetch` requires that very type. */
export type PlatformSignal = typeof globalThis extends { AbortSignal: { prototype: infer Signal } }
  ? Signal
  : AbortSignalLike;

/** What the function is passed besides the cause. */
export interface StateRequest {
  /** An `AbortSignal`: aborted when the handle or the client is closed, or when the function takes too long. */
  signal: PlatformSignal;
  /** Counts the calls in a row, from 1: more than 1 after a failure, or if the server did not have the last position. */
  attempt: number;
}

/** Fetches the state, and returns the position of it. */
export type FetchState = (cause: StateCause, request: StateRequest) => StatePosition | PromiseLike<StatePosition>;
