// `from: state(…)` as an application writes it, as far as the compiler is concerned.

import { connect, type Position } from "seamline";
import { type FetchState, type StateCause, type StatePosition, state } from "seamline/state";

const client = connect("ws://test/");
const load: FetchState = async (cause, { signal, attempt }) => {
  const causes: StateCause[] = [cause];
  const more: [boolean, number] = [signal.aborted, attempt];
  return { epoch: `${causes}${more}`, offset: 1, id: undefined };
};
export const doc = client.channel<string>("doc", { from: state(load, { timeoutMs: 1000 }) });
export const fresh: StatePosition = "start";
export const quick = state((cause) => (cause === "start" ? "start" : ({ epoch: "e", offset: 0 } satisfies Position)));

// @ts-expect-error `state` makes a start point of a function
client.channel("doc", { from: load });
// @ts-expect-error no position
state(async () => "tail");
