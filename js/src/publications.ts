import { Call } from "./boundary.js";
import type { Calls } from "./calls.js";
import { SeamlineError } from "./error.js";
import type { Payload } from "./payload.js";
import { allowed, bytes } from "./text.js";
import type { Published, Reason } from "./types.js";

/** The default of `outboxMessages`. */
const OUTBOX_MESSAGES = 1000;

/** The longest idempotency key. The wasm refuses an empty one. */
const KEY_BYTES_MAX = 200;

/** Where the log has a publication, or why it does not have it. */
type Answer = Published | SeamlineError;

/** A publication, and the promise that its answer settles. */
export interface Promised {
  readonly _name: string;
  readonly _key: string;
  _resolve(answer: Published): void;
  _reject(error: SeamlineError): void;
}

/** The outbox of a storage: comes before the publications of each connection, and has them sent when it is time. */
export interface Joins {
  _join(publications: Publications): void;
}

/** Publications without an answer. The wasm keeps and repeats them; here are the promises that they settle. */
export class Publications {
  /** Called when the last one is answered. */
  _onEmpty = () => {};
  /** More than those below while the wasm is not loaded. */
  _unanswered = 0;
  #promised = new Map<number, Promised>();
  #calls: Calls;
  #max: number;

  constructor(calls: Calls, max = OUTBOX_MESSAGES) {
    this.#calls = calls;
    this.#max = max;
  }

  /** Publishes, unless there is an error already. The outbox of a storage takes its place; see `Joins`. */
  _publish(promised: Promised, { _json, _size }: Payload, error?: SeamlineError | false): void {
    if (error) return settle(promised, error);
    // The wasm has the same limit and the same text, once it is loaded.
    if (!this.#calls._ready && this._unanswered >= this.#max) {
      return settle(promised, new SeamlineError("outbox_full", "too many publications wait; try again later"));
    }
    this._unanswered++;
    this.#calls._inOrder(() => {
      const { _name, _key } = promised;
      const key = bytes(_key) > KEY_BYTES_MAX ? "" : _key;
      const id = this.#calls._call(Call.Publish, 0, allowed(_name), key, _size, 0, _json) ?? closed("client");
      if (typeof id === "number") this.#promised.set(id, promised);
      else this.#settle(promised, id as SeamlineError);
    });
  }

  /** Later, because the socket's `send()` may close the client in the middle of the call that returns the id. */
  _answered(id: number, answer: Answer): void {
    queueMicrotask(() => {
      const promised = this.#promised.get(id);
      this.#promised.delete(id);
      if (promised) this.#settle(promised, answer);
    });
  }

  #settle(promised: Promised, answer: Answer): void {
    settle(promised, answer);
    if (--this._unanswered === 0) this._onEmpty();
  }
}

function settle({ _name, _key, _resolve, _reject }: Promised, answer: Answer): void {
  if (!(answer instanceof SeamlineError)) return _resolve(answer);
  _reject(new SeamlineError(answer.code, failed(_name, _key, answer.message)));
}

/** If nobody catches it, the error is all there is to see, so it names the publication. */
export function failed(name: string, key: string, message: string): string {
  return `publication "${key}" to channel "${name}" failed: ${message}`;
}

/** The error for a call on something that was closed. */
export function closed(what: "client" | "channel", reason?: Reason): SeamlineError {
  return new SeamlineError(
    "closed",
    `the ${what} is closed${reason ? `: ${reason.message}` : ""}`,
    reason && { cause: reason },
  );
}
