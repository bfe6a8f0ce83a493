import type { Channel } from "../channel.js";
import type { Connection } from "../connection.js";
import { messageOf, text } from "../error.js";
import { isName, isText } from "../text.js";
import type { Position } from "../types.js";
import { type Action, decide, type Event, type Phase } from "./decide.js";
import type { FetchState, StateCause, StatePosition } from "./types.js";

/**
 * Runs the function of one handle. It takes the place of the handle's `_join`, `_lost` and `_live`: the build gives the members
 * of a handle the same short names in every script of the package, so that no page downloads a hook for this.
 */
export class StateFollower<T, C> {
  readonly #channel: Channel<T, C>;
  readonly #fetch: FetchState;
  readonly #timeoutMs: number;
  readonly #join: (messages: boolean) => void;
  #phase: Phase = { name: "idle" };
  #timer: ReturnType<typeof setTimeout> | undefined;
  #abort = new AbortController();
  /** Lets the queue of the handle go on. */
  #open = () => {};

  /** With a `position`, the handle begins there, and the function is called when it is lost. */
  constructor(channel: Channel<T, C>, fetch: FetchState, timeoutMs: number, position?: Position) {
    this.#channel = channel;
    this.#fetch = fetch;
    this.#timeoutMs = timeoutMs;
    const dispatcher = channel._dispatcher;
    dispatcher._restart(position);
    if (position) {
      this.#phase = { name: "following", cause: "start", failures: 0, sinceMs: performance.now(), isLive: false };
    }
    this.#join = channel._join.bind(channel);
    channel._join = (messages) => {
      if (!messages || this.#phase.name === "following") this.#join(messages);
      else if (this.#phase.name === "idle" && !dispatcher._ended) {
        this.#wait("start");
        dispatcher._run();
      }
    };
    dispatcher._lost = ({ reason }) => this.#wait(reason);
    const live = dispatcher._live.bind(dispatcher);
    dispatcher._live = (connects) => {
      this.#step({ name: "live" });
      live(connects);
    };
    dispatcher._onEnd.add(() => this.#step({ name: "ended" }));
  }

  /** When it is its turn in the queue, the queue waits for the state. What comes behind it waits, too. */
  #wait(cause: StateCause): void {
    const turn = () => {
      const opened = new Promise<void>((resolve) => (this.#open = resolve));
      this.#step({ name: "lost", cause });
      return opened;
    };
    this.#channel._dispatcher._queue.push(turn);
  }

  #step(event: Event): void {
    const [phase, actions] = decide(this.#phase, event, performance.now(), Math.random());
    this.#phase = phase;
    for (const action of actions) this.#perform(action);
  }

  #perform(action: Action): void {
    switch (action.name) {
      case "pause":
        this.#timer = setTimeout(this.#resume, action.waitMs);
        return globalThis.addEventListener?.("online", this.#resume);
      case "fetch":
        return void this.#run(action.cause, action.attempt);
      case "continue":
        return this.#continue(action.from);
      case "report":
        return this.#report(action.error, action.waitMs);
      case "stop":
        this.#endPause();
        this.#abort.abort();
        return this.#open();
    }
  }

  #resume = () => {
    this.#endPause();
    this.#step({ name: "resumed" });
  };

  #endPause(): void {
    clearTimeout(this.#timer);
    globalThis.removeEventListener?.("online", this.#resume);
  }

  /** Calls the function. After `timeoutMs`, whatever it still returns is ignored. */
  async #run(cause: StateCause, attempt: number): Promise<void> {
    const abort = (this.#abort = new AbortController());
    const { signal } = abort;
    let timer: ReturnType<typeof setTimeout> | undefined;
    try {
      const late = new Promise<never>((_, reject) => {
        const error = new Error(`it took longer than ${this.#timeoutMs} ms; raise \`timeoutMs\``);
        timer = setTimeout(() => {
          reject(error);
          abort.abort(error);
        }, this.#timeoutMs);
      });
      // In a turn of its own: what it throws at once must not pass the listener that is about to be added.
      const fetched = Promise.resolve().then(() =>
        signal.aborted ? undefined : this.#fetch(cause, { signal, attempt }),
      );
      const from = checked(await Promise.race([fetched, late]));
      if (abort === this.#abort) this.#step({ name: "fetched", from });
    } catch (error) {
      if (abort === this.#abort) this.#step({ name: "failed", error });
    } finally {
      clearTimeout(timer);
    }
  }

  /** The stream continues after the state. What had arrived is in the state, or comes again. */
  #continue(from: StatePosition): void {
    const dispatcher = this.#channel._dispatcher;
    dispatcher._subscription?._leave(dispatcher);
    dispatcher._restart(from);
    try {
      this.#join(true);
    } catch (error) {
      return this.#step({ name: "failed", error }); // in the plain dialect
    }
    this.#open();
  }

  #report(cause: unknown, waitMs: number): void {
    const { name, _port } = this.#channel;
    const message = `the state of channel "${name}" could not be fetched: ${messageOf(cause)}`;
    const error = (_port as Connection).error("state_failed", `${message}; trying again in ${waitMs} ms`);
    this.#channel._dispatcher._error(Object.assign(error, { cause }));
  }
}

/** A copy of the position that the function has returned: the application may change its own later. */
function checked(value: unknown): StatePosition {
  if (value === "start") return value;
  const { epoch, offset, id } = (value ?? {}) as Partial<Position>;
  const isPosition = isName(epoch) && Number.isSafeInteger(offset) && offset! >= 0;
  if (isPosition && (id === undefined || id === null || isText(id)))
    return { epoch, offset: offset!, ...(id && { id }) };
  const shown = text(value, JSON.stringify).slice(0, 100);
  throw new TypeError(`the function returned ${shown}; return a position { epoch, offset, id }, or "start"`);
}
