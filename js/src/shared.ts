import type { Call } from "./boundary.js";
import type { Options, WebSocketConstructor } from "./types.js";
import type { CheckVersion } from "./version.js";

/** What the option `shared` takes. Create one with `tabs()` of the entry `seamline/tabs`. */
export interface Shared {
  /** Which tabs share a connection: those of the same name. */
  readonly name: string;
  /** Throws if the client is of another version of the package. @internal */
  readonly seamline: CheckVersion;
  /**
   * Called once for each connection of a client. May throw an error that names an option. `report` takes lifecycle
   * events: the connection has moved, or is there again, so a client that waits connects now.
   *
   * @internal
   */
  _join(client: SharedClient, report: (event: string, call: Call) => void): SharedConnection;
}

/** What the tabs know of a client. */
export interface SharedClient {
  readonly _url: string;
  readonly _options: Options;
}

/** A client's part in a shared connection. */
export interface SharedConnection {
  /** What it adds to the client's counters. */
  readonly _stats: { readonly shared: SharedRole };
  /** A WebSocket of the client's own, whose frames the shared connection carries. */
  _open(): InstanceType<WebSocketConstructor>;
  /** The client is closed. */
  _end(): void;
}

/** See {@link Stats.shared}. */
export type SharedRole = "leader" | "follower" | "none";
