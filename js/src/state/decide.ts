// What a handle with a state does next: each decision, without a clock, a timer or a call.
import type { StateCause, StatePosition } from "./types.js";

/** A loss that comes sooner than this after the last state waits for a pause, even if the server had that position. */
export const SOON_MS = 1000;
/** The longest first pause, and the longest one. */
export const PAUSE_MS = 500;
export const PAUSE_MS_MAX = 20_000;

/**
 * What a handle does. `failures` is how many times in a row the function has failed, or has returned a position that the
 * server did not have.
 */
export type Phase =
  /** Nothing listens to messages yet. */
  | { name: "idle" }
  /** It waits before the function is called. */
  | { name: "pausing"; cause: StateCause; failures: number }
  /** The function runs. */
  | { name: "fetching"; cause: StateCause; failures: number }
  /** The stream continues from the state. `failures` is 0 once it is live: the server has the position. */
  | { name: "following"; cause: StateCause; failures: number; sinceMs: number; isLive: boolean }
  | { name: "ended" };

export type Event =
  /** There is no state yet, or its position is lost. */
  | { name: "lost"; cause: StateCause }
  /** The pause is over, or the network is back. */
  | { name: "resumed" }
  | { name: "fetched"; from: StatePosition }
  /** The replay from the position has reached the live stream. */
  | { name: "live" }
  | { name: "failed"; error: unknown }
  | { name: "ended" };

export type Action =
  | { name: "pause"; waitMs: number }
  /** `attempt` counts from 1. */
  | { name: "fetch"; cause: StateCause; attempt: number }
  | { name: "continue"; from: StatePosition }
  | { name: "report"; error: unknown; waitMs: number }
  | { name: "stop" };

/** What happens next. `random` is from 0 to 1. */
export function decide(phase: Phase, event: Event, nowMs: number, random: number): [Phase, Action[]] {
  if (phase.name === "ended") return [phase, []];
  switch (event.name) {
    case "ended":
      return [{ name: "ended" }, [{ name: "stop" }]];
    case "lost":
      if (phase.name === "idle") return fetch(event.cause, 0);
      // Another handle's report, or that of a stream that this one has left: the state is on its way.
      if (phase.name !== "following") return [phase, []];
      // At once, unless the server did not have the last position, or it was lost soon: no loop without a pause.
      if (phase.isLive && nowMs - phase.sinceMs >= SOON_MS) return fetch(event.cause, 0);
      return pause(event.cause, phase.failures + 1, random);
    case "live":
      return [phase.name === "following" ? { ...phase, failures: 0, isLive: true } : phase, []];
    case "resumed":
      return phase.name === "pausing" ? fetch(phase.cause, phase.failures) : [phase, []];
    case "fetched": {
      if (phase.name !== "fetching") return [phase, []];
      const { cause, failures } = phase;
      const next: Phase = { name: "following", cause, failures, sinceMs: nowMs, isLive: false };
      return [next, [{ name: "continue", from: event.from }]];
    }
    case "failed": {
      if (phase.name !== "fetching" && phase.name !== "following") return [phase, []];
      const [next, actions] = pause(phase.cause, phase.failures + 1, random);
      return [next, [...actions, { name: "report", error: event.error, waitMs: pauseMs(phase.failures + 1, random) }]];
    }
  }
}

function fetch(cause: StateCause, failures: number): [Phase, Action[]] {
  return [{ name: "fetching", cause, failures }, [{ name: "fetch", cause, attempt: failures + 1 }]];
}

function pause(cause: StateCause, failures: number, random: number): [Phase, Action[]] {
  return [{ name: "pausing", cause, failures }, [{ name: "pause", waitMs: pauseMs(failures, random) }]];
}

/** Doubles with each failure. At least half of it, so that it grows; the rest is random, so that pages spread. */
export function pauseMs(failures: number, random: number): number {
  const longest = Math.min(PAUSE_MS * 2 ** Math.min(failures - 1, 30), PAUSE_MS_MAX);
  return Math.round(longest * (0.5 + random / 2));
}
