import type { Answer, Engine } from "./boundary.js";

/** Calls into the wasm. Until it is loaded they wait, in order: a subscription before later publications. */
export class Calls {
  #engine: Engine | undefined;
  #waiting: (() => void)[] = [];

  /** Makes a call, if the wasm is loaded. */
  _call(...call: Parameters<Engine["call"]>): Answer {
    return this.#engine?.call(...call);
  }

  /** Calls back when the wasm is loaded or the client ends, after the calls that are already waiting. */
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
