import type { State } from "../types.js";
import type { AppClient } from "./channel-ref.js";
import type { Store } from "./store.js";

/** The state before the client is known, and on a server that renders the page. @internal */
export const CONNECTING: State = { name: "connecting" };

/** The state of a client's connection. Without a client, it stays `connecting`. @internal */
export function connectionStore(client: AppClient | undefined): Store<State> {
  return {
    getSnapshot: () => client?.state ?? CONNECTING,
    subscribe: (listener) => client?.on("state", listener) ?? (() => {}),
  };
}
