import { Call } from "./boundary.js";
import type { Calls } from "./calls.js";
import { SeamlineError } from "./error.js";
import type { Payload } from "./payload.js";
import { randomName } from "./random.js";
import { allowed, bytes } from "./text.js";
import type { Reason } from "./types.js";

/** The default of `outboxMessages`. */
const OUTBOX_MESSAGES = 1000;

/** The longest idempotency key. The wasm refuses an empty one. */
const KEY_BYTES_MAX = 200;

/** Where the log has a publication. */
export type Published = { id: string; offset: number };
/** That, or why the log does not have it. */
type Answer = Published | SeamlineError;

/** Publications without an answer. The wasm keeps and repeats them; here are the promises that they settle. */
export class Publications {
  /** Called when the last one is answered. */
  _onEmpty = () => {};
  /** More than those below while the wasm is not loaded. */
  _unanswered = 0;
  #answers = new Map<number, (answer: Answer) => void>();
  #calls: Calls;
  #max: number;

  constructor(calls: Calls, max = OUTBOX_MESSAGES) {
    this.#calls = calls;
    this.#max = max;
  }

  /** Publishes, unless there is an error already. */
  _publish(
    name: string,
    { _json, _size }: Payload,
    key = randomName(),
    error?: SeamlineError | false,
  ): Promise<Published> {
    return new Promise((resolve, reject) => {
      const settle = (answer: Answer) => {
        if (!(answer instanceof SeamlineError)) return resolve(answer);
        // If nobody catches it, the error is all there is to see, so it names the publication.
        reject(new SeamlineError(answer.code, `publication "${key}" to channel "${name}" failed: ${answer.message}`));
      };
      if (error) return settle(error);
      // The wasm has the same limit and the same text, once it is loaded.
      if (!this.#calls._ready && this._unanswered >= this.#max) {
        return settle(new SeamlineError("outbox_full", "too many publications wait; try again later"));
      }
      this._unanswered++;
      const answered = (answer: Answer) => {
        settle(answer);
        if (--this._unanswered === 0) this._onEmpty();
      };
      this.#calls._inOrder(() => {
        const id =
          this.#calls._call(Call.Publish, 0, allowed(name), bytes(key) > KEY_BYTES_MAX ? "" : key, _size, 0, _json) ??
          closed("client");
        if (typeof id === "number") this.#answers.set(id, answered);
        else answered(id as SeamlineError);
      });
    });
  }

  /** Later, because the socket's `send()` may close the client in the middle of the call that returns the id. */
  _answered(id: number, answer: Answer): void {
    queueMicrotask(() => {
      this.#answers.get(id)?.(answer);
      this.#answers.delete(id);
    });
  }
}

/** The error for a call on something that was closed. */
export function closed(what: "client" | "channel", reason?: Reason): SeamlineError {
  return new SeamlineError(
    "closed",
    `the ${what} is closed${reason ? `: ${reason.message}` : ""}`,
    reason && { cause: reason },
  );
}
