import type { Engine } from "./boundary.js";
import { SeamlineError } from "./error.js";

/** Calls into the wasm. Until it is there they wait, in order: a subscription before what is published after it. */
export class Calls {
  /** Why the last call that returned 0 was refused. */
  _refused = new SeamlineError("", "");
  #engine: Engine | undefined;
  #waiting: (() => void)[] = [];

  /** Makes a call, if the wasm is there; what it returns, or the error if it was refused. */
  _try(...call: Parameters<Engine["call"]>): number | SeamlineError | undefined {
    return this.#engine && (this.#engine.call(...call) || this._refused);
  }

  /** Makes a call that cannot be refused. */
  _call(...call: Parameters<Engine["call"]>): number {
    return this.#engine?.call(...call) ?? 0;
  }

  /** Passes on a socket's report. `false` in the middle of another call: it has to be made again. */
  _report(...call: Parameters<Engine["call"]>): boolean {
    return this.#engine?.call(...call) !== 0;
  }

  /** Calls back when the wasm is there, after what waits already; at once if it is there, or if it never will be. */
  _inOrder(call: () => void): void {
    this.#waiting.push(call);
    if (this.#engine) this._flush();
  }

  /** As `_inOrder`, but at the end of this turn at the earliest. */
  _soon(call: () => void): void {
    this.#waiting.push(call);
    if (this.#engine) queueMicrotask(() => this._flush());
  }

  get _ready(): boolean {
    return this.#engine !== undefined;
  }

  _attach(engine: Engine): void {
    this.#engine = engine;
    this._flush();
  }

  _flush(): void {
    while (this.#waiting.length > 0) this.#waiting.shift()!();
  }

  /** Frees the engine. Wasm is not garbage-collected: an engine that stays keeps its client alive. */
  _free(): void {
    const engine = this.#engine;
    this.#engine = undefined;
    queueMicrotask(() => engine?.free()); // not in the middle of one of its calls
  }
}
