import type { ClientEvents } from "./client.js";
import { Emitter } from "./emitter.js";
import { guard } from "./guard.js";
import type { Diagnostic, Logger, State } from "./types.js";

/** How many states and page events are remembered. */
const DIAGNOSTICS_MAX = 200;

/** A client's state and errors, and where they are reported: its listeners, its logger, and `diagnostics()`. */
export class Status {
  readonly _events = new Emitter<ClientEvents>("state", "error");
  readonly _logger: Required<Logger>;
  _state: State = { name: "connecting" };
  /** The newest states and page events, oldest first. */
  _diagnostics: readonly Diagnostic[] = [];
  /** States that have not been emitted yet. */
  #pending: State[] = [];

  constructor(logger: Logger = { warn: console.warn, error: console.error }) {
    this._logger = safe(logger);
  }

  _set(state: State): void {
    this._state = state;
    this._record({ state });
    this._logger.debug("seamline: state:", state);
    this.#pending.push(state);
    if (this.#pending.length > 1) return; // a listener caused this one: it is emitted after the current one
    for (const next of this.#pending) this.#emit(this._events.of("state"), next);
    this.#pending = [];
  }

  /** A client that was closed opens again. As for a new client, the event comes with the first attempt. */
  _reopen(): void {
    this._state = { name: "connecting" };
  }

  _record(what: { state: State } | { event: string }): void {
    this._diagnostics = [...this._diagnostics, { at: Date.now(), ...what }].slice(-DIAGNOSTICS_MAX);
  }

  /** Something failed that concerns no single channel. */
  _error(error: unknown): void {
    const listeners = this._events.of("error");
    if (listeners.length === 0) this._logger.error("seamline:", error);
    this.#emit(listeners, error);
  }

  #emit<T>(listeners: readonly ((value: T) => unknown)[], value: T): void {
    const failed = (error: unknown) => this._logger.error("seamline: a listener failed:", error);
    for (const listener of listeners) void guard(() => listener(value), failed);
  }
}

/**
 * A logger that cannot throw: it is called in the middle of things. Where it fails, there is nowhere to report that.
 */
function safe(logger: Logger): Required<Logger> {
  const ignore = () => {};
  const level =
    (name: keyof Logger) =>
    (...line: unknown[]) =>
      void guard(() => logger[name]?.(...line), ignore);
  return { debug: level("debug"), warn: level("warn"), error: level("error") };
}
