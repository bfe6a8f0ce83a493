/**
 * The version of these messages. It is part of the names of locks and channels, so that two versions of the package in
 * two tabs do not meet: each version has a connection of its own.
 */
export const VERSION = 1;

/** A hub, by the tab that it is in. A later one has a higher term. */
export interface HubName {
  readonly tab: string;
  readonly term: number;
}

export function isSame(a: HubName | undefined, b: HubName | undefined): boolean {
  return a?.tab === b?.tab && a?.term === b?.term;
}

/** A virtual WebSocket: `socket` is unique among all tabs. */
interface OfSocket {
  readonly socket: string;
}

/** From a tab to its hub, about a virtual WebSocket. */
export type ToHub = OfSocket &
  (
    | { readonly type: "open"; readonly url: string }
    | { readonly type: "send"; readonly text: string }
    | { readonly type: "close" }
    /** How much of what the hub sent has arrived, in UTF-16 code units. */
    | { readonly type: "got"; readonly length: number }
  );

/** From the hub to a tab. */
export type ToTab = OfSocket &
  (
    | { readonly type: "opened" }
    | { readonly type: "frame"; readonly text: string }
    /** `moved`: the server did not close it. The tab reconnects without a delay. */
    | { readonly type: "closed"; readonly code: number; readonly reason: string; readonly moved: boolean }
  );

/** A message and the tab that it is from, as tabs post it. */
export type Posted = readonly [from: string, message: Message];

/** What tabs send each other. */
export type Message =
  | { readonly type: "who" }
  /** This tab has the hub. `connected`: its connection has just been accepted by the server. */
  | { readonly type: "hub"; readonly term: number; readonly connected: boolean }
  /** A hub has ended in good order. */
  | { readonly type: "gone"; readonly term: number }
  /** The hub does not answer: this tab is going to replace it. */
  | { readonly type: "claim"; readonly isHidden: boolean }
  | { readonly type: "ping"; readonly term: number }
  | { readonly type: "pong"; readonly term: number }
  | { readonly type: "toHub"; readonly term: number; readonly message: ToHub }
  | { readonly type: "toTab"; readonly term: number; readonly message: ToTab };

type Check = (value: unknown) => boolean;

const isText: Check = (value) => typeof value === "string";
const isFlag: Check = (value) => typeof value === "boolean";
const isCount: Check = (value) => Number.isSafeInteger(value) && (value as number) >= 0;

/** Whether a value has a `type` of the table, and the fields of that type. */
function isOneOf(table: Readonly<Record<string, Readonly<Record<string, Check>>>>): Check {
  return (value) => {
    const { type } = (value ?? {}) as { readonly type: string };
    const checks = Object.hasOwn(table, type) ? table[type] : undefined;
    return (
      checks !== undefined &&
      Object.entries(checks).every(([name, check]) => check((value as Record<string, unknown>)[name]))
    );
  };
}

const socket = isText;
const term = isCount;

const isToHub = isOneOf({
  open: { socket, url: isText },
  send: { socket, text: isText },
  close: { socket },
  got: { socket, length: isCount },
});

const isToTab = isOneOf({
  opened: { socket },
  frame: { socket, text: isText },
  closed: { socket, code: isCount, reason: isText, moved: isFlag },
});

const isMessage = isOneOf({
  who: {},
  hub: { term, connected: isFlag },
  gone: { term },
  claim: { isHidden: isFlag },
  ping: { term },
  pong: { term },
  toHub: { term, message: isToHub },
  toTab: { term, message: isToTab },
});

/** Whether a page has posted a message of ours. Any page of the origin may post anything. */
export function isPosted(data: unknown): data is Posted {
  return Array.isArray(data) && isText(data[0]) && isMessage(data[1]);
}
