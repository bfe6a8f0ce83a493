// Calls of a browser over a connection to it, and their answers.

/** How long an answer may take. No test asks for more at once. */
const ANSWER_MS = 120_000;

/** A call that has got no answer. It may still get one. */
export class Unanswered extends Error {}

export class Calls {
  #waiting = new Map();
  #next = 0;

  /** Sends a call with its id; `what` names it. Settles with its answer, or as {@link Unanswered} after `patienceMs`. */
  start(what, send, patienceMs = ANSWER_MS) {
    const id = ++this.#next;
    const answered = new Promise((resolve, reject) => {
      const late = () => {
        answered.catch(() => {}); // nobody may wait for it: pages are killed with questions open
        this.#waiting.delete(id);
        reject(new Unanswered(`the browser has not answered ${what} within ${patienceMs} ms`));
      };
      this.#waiting.set(id, { resolve, reject, timer: setTimeout(late, patienceMs).unref() });
      send(id);
    });
    return answered;
  }

  /** The answer to a call has arrived: an error, if there is one, or a value. */
  answer(id, error, value) {
    const call = this.#waiting.get(id);
    if (!call) return; // an event, or too late
    this.#waiting.delete(id);
    clearTimeout(call.timer);
    if (error === undefined) call.resolve(value);
    else call.reject(new Error(error));
  }

  /** No more answers arrive. */
  end(why) {
    for (const id of [...this.#waiting.keys()]) this.answer(id, why);
  }
}
