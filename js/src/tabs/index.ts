import { Call } from "../boundary.js";
import { invalid, unknown } from "../error.js";
import type { Shared, SharedClient, SharedConnection } from "../shared.js";
import { bytes, isText } from "../text.js";
import { sameVersion } from "../version.js";
import { Member } from "./member.js";
import { BrowserWorld, canShare } from "./world.js";

export type { Shared, SharedRole } from "../shared.js";

/** The options of {@link tabs}. */
export interface TabsOptions {
  /**
   * Tabs of one origin with the same name share a connection. They must have the same URL, and tokens of the same user
   * with the same grants: use a name for each, for example the user's id. 1 to 200 bytes. Default: `"default"`.
   */
  name?: string | undefined;
}

/**
 * Makes the tabs of an origin share one connection:
 *
 * ```js
 * const client = connect("wss://example.com/ws", { shared: tabs() });
 * ```
 *
 * One tab has the connection, and carries the frames of the others. When it closes, crashes or freezes, another one
 * takes over. Where the browser lacks Web Locks or BroadcastChannel, each tab has a connection of its own;
 * `stats().shared` is then `"none"`.
 */
export function tabs(options: TabsOptions = {}): Shared {
  const name = checked(options);
  return {
    name,
    seamline: sameVersion("tabs()"),
    _join: (client, report) => join(name, client, (event) => report(event, Call.Wake)),
  };
}

function checked(options: TabsOptions): string {
  if (typeof options !== "object" || !options)
    throw invalid("bad_option", "options of tabs", options, "pass an object");
  for (const key of Object.keys(options)) {
    if (key !== "name") throw unknown("bad_option", "option of tabs", key, ["name"]);
  }
  const { name = "default" } = options;
  if (isText(name) && name !== "" && bytes(name) <= 200) return name;
  throw invalid("bad_option", 'option of tabs "name"', name, "pass a well-formed string of 1 to 200 bytes");
}

function join(name: string, client: SharedClient, wake: (event: string) => void): SharedConnection {
  const { clientId, dialect = "seamline" } = client._options;
  if (clientId !== undefined) {
    const cure =
      "leave it out with `shared`, because the tabs are one client to the server; pass `positions` to continue";
    throw invalid("bad_option", 'option "clientId"', clientId, cure);
  }
  if (dialect !== "seamline") {
    throw invalid("bad_option", 'option "dialect"', dialect, "leave out `shared`: it needs the dialect seamline");
  }
  return canShare() ? shared(name, client, wake) : alone(client);
}

function alone({ _url, _options }: SharedClient): SharedConnection {
  return {
    _stats: { shared: "none" },
    _open: () => new (_options.WebSocket ?? WebSocket)(_url, "seamline.v1"),
    _end: () => {},
  };
}

function shared(name: string, client: SharedClient, wake: (event: string) => void): SharedConnection {
  const world = new BrowserWorld(name, client, wake);
  const member = new Member(world, client._url);
  const stop = new AbortController();
  const [signal, capture] = [stop.signal, Boolean(globalThis.document)];
  let isInside = false;
  const leave = () => {
    isInside = false;
    member.leave();
  };
  // A page in the back/forward cache must hold nothing, and one that ends need not be missed first.
  globalThis.addEventListener?.("pagehide", leave, { signal, capture });
  globalThis.addEventListener?.("freeze", () => member.freeze(), { signal, capture });
  return {
    get _stats() {
      return { shared: world.isAlone ? "none" : member.role } as const;
    },
    _open: () => {
      if (!isInside) world.enter(member);
      isInside = true;
      return member.open();
    },
    _end: () => {
      stop.abort();
      leave();
    },
  };
}
