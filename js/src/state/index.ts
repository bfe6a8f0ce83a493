// The entry `seamline/state`.
import type { Channel } from "../channel.js";
import { invalid, unknown } from "../error.js";
import type { Position, StateSource } from "../types.js";
import { sameVersion } from "../version.js";
import { StateFollower } from "./follower.js";
import type { FetchState } from "./types.js";

export type * from "./types.js";

/** The options of {@link state}. */
export interface StateOptions {
  /** How long a call may take, in milliseconds. Default 30 s. */
  timeoutMs?: number | undefined;
}

/** Engines store a timer's delay as a signed 32-bit integer. */
const MS_MAX = 2 ** 31 - 1;

/**
 * For the option `from` of a channel: fetches the application's state, and follows the channel from the position of it.
 *
 * ```ts
 * const doc = client.channel("doc", {
 *   from: state(async (cause, { signal }) => {
 *     const { position, content } = await (await fetch("/doc", { signal })).json();
 *     render(content);
 *     return position;
 *   }),
 * });
 * doc.on("message", ({ data }) => apply(data));
 * ```
 *
 * The function is called with the cause `"start"` when the handle begins to listen to messages, and again whenever its
 * position is lost: with the cause `trimmed`, `epoch_changed`, `rewound` or `hole`. Then there is no `gap` event. The
 * stream continues after the returned position, each message once and in order. The position must have been read
 * *before* the state, so that nothing falls between the two. What was published in between may then be in both: apply a
 * message in such a way that a second time changes nothing.
 *
 * Until the function has returned, messages wait for the handle, up to `queueMessages` and `queueBytes`. If it throws,
 * rejects or takes too long, the handle emits an `error` with the code `state_failed`, and calls it again after a
 * growing pause of up to 20 s, or as soon as the page is online. The same pause applies if the server does not have the
 * returned position. One call runs at a time. Its signal is aborted if it takes too long, or the handle is closed. `live` is emitted
 * again after each fetch.
 */
export function state(fetch: FetchState, options: StateOptions = {}): StateSource {
  if (typeof fetch !== "function") throw invalid("bad_option", "argument of state", fetch, "pass a function");
  if (typeof options !== "object" || !options)
    throw invalid("bad_option", "options of state", options, "pass an object");
  for (const name of Object.keys(options)) {
    if (name !== "timeoutMs") throw unknown("bad_option", "option of state", name, ["timeoutMs"]);
  }
  const { timeoutMs = 30_000 } = options;
  if (!Number.isSafeInteger(timeoutMs) || timeoutMs < 1 || timeoutMs > MS_MAX) {
    const advice = `pass a whole number of milliseconds, from 1 to ${MS_MAX}`;
    throw invalid("bad_option", 'option of state "timeoutMs"', timeoutMs, advice);
  }
  return source(fetch, timeoutMs);
}

function source(fetch: FetchState, timeoutMs: number, position?: Position): StateSource {
  return {
    kind: "state",
    seamline: sameVersion("state()"),
    _attach: (channel: Channel) => void new StateFollower(channel, fetch, timeoutMs, position),
    at: (position) => source(fetch, timeoutMs, position),
  };
}
