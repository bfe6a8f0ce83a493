import type { Dispatcher } from "./dispatcher.js";
import type { Message } from "./types.js";

/** The messages of a handle, one after the other; each counts as processed when the next one is requested. */
export function iterate<T, C>(dispatcher: Dispatcher<T, C>): AsyncIterableIterator<Message<T>> {
  type Result = IteratorResult<Message<T>, undefined>;
  const done: Result = { value: undefined, done: true };
  /** Every `next()` that has no answer yet. */
  const waiting: ((result: Result) => void)[] = [];
  let ended = dispatcher._ended;
  let stop: (() => void) | undefined;
  let finish: (() => void) | undefined;
  /** Whether the application has a message and has not requested another one. */
  let busy = false;
  // It listens from the first `next()` on, so that a message never comes when nobody waits for it.
  const take = (message: Message<T>) => {
    waiting.shift()?.({ value: message, done: false });
    busy = waiting.length === 0;
    return busy ? new Promise<void>((resolve) => (finish = resolve)) : undefined;
  };
  const end = () => {
    ended = true;
    stop?.();
    dispatcher._onEnd.delete(end);
    for (const next of waiting.splice(0)) next(done);
    finish?.();
  };
  if (!ended) dispatcher._onEnd.add(end);
  return {
    [Symbol.asyncIterator]() {
      return this;
    },
    next: () => {
      if (ended) return Promise.resolve(done);
      // The usual case: no promise but this one for each message.
      const value = busy && dispatcher._next();
      if (value) return Promise.resolve({ value, done: false });
      return new Promise<Result>((resolve) => {
        waiting.push(resolve);
        busy = false;
        finish?.();
        if (stop) return;
        stop = dispatcher._events.on("message", take);
        dispatcher._run();
      });
    },
    return: async () => {
      // Another listener may still be busy with the message; for ours it counts as processed when the loop is left.
      const alone = finish && dispatcher._events.of("message").length === 1;
      const last = dispatcher._work;
      end();
      if (alone) await last;
      return done;
    },
  };
}
