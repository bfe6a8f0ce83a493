import { type Answer, type Arguments, type Call, type Engine, type Incoming, Result } from "./boundary.js";
import type { SeamlineError } from "./error.js";

/** Calls into the wasm. Until it is loaded they wait, in order: a subscription before later publications. */
export class Calls {
  /** Those of the current call. */
  _arguments: Arguments = [];
  /** Why the last call was refused, if it was. */
  _refusal: SeamlineError | undefined;
  #engine: Engine | undefined;
  /** In order; taking the first one out is cheap, however many there are. */
  #waiting = new Set<() => void>();

  /** Makes a call, if the wasm is loaded. */
  _call(kind: Call | Incoming, id = 0, ...fields: Arguments): Answer {
    if (!this.#engine) return;
    const outer = this._arguments;
    this._arguments = fields;
    const answer = this.#engine.call(kind, id);
    this._arguments = outer; // an application's WebSocket may have made this call in the middle of another
    return answer === Result.Refused ? this._refusal : answer;
  }

  /** Calls back when the wasm is loaded or the client ends, after the calls that are already waiting. */
  _inOrder(call: () => void): void {
    this.#waiting.add(call);
    if (this.#engine) this._flush();
  }

  /** As `_inOrder`, but at the end of this turn at the earliest. */
  _soon(call: () => void): void {
    this.#waiting.add(() => call()); // the same one may come twice
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
    for (const call of this.#waiting) {
      this.#waiting.delete(call);
      call();
    }
  }

  /** Frees the engine. Wasm is not garbage-collected: an engine that stays keeps its client alive. */
  _free(): void {
    const engine = this.#engine;
    this.#engine = undefined;
    queueMicrotask(() => engine?.free()); // not in the middle of one of its calls
  }
}
