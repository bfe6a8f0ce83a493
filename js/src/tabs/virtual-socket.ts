import { Flow } from "./flow.js";
import type { Frame } from "./frames.js";
import type { Identity } from "./identity.js";

/** A virtual WebSocket of a tab, as the hub has it. */
export interface VirtualSocket {
  readonly id: string;
  readonly tab: string;
  readonly flow: Flow;
  /** Frames that wait until a `hello` has been sent to the server. */
  readonly early: (readonly [Frame, string])[];
  /** What its own `hello` said; until then it sends nothing else. */
  hello: { readonly text: string; readonly token: unknown; readonly identity: Identity } | undefined;
}

export function virtualSocket(tab: string, id: string): VirtualSocket {
  return { id, tab, flow: new Flow(), early: [], hello: undefined };
}
