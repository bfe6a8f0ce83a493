import { Call } from "./boundary.js";
import { writeFrame } from "./frames.js";
import type { WebSocketConstructor } from "./types.js";

/** Passes a report on. Returns `false` while the engine is in the middle of a call: the report has to be made again. */
export type Reporter = (kind: Call, reason: string, code: number, data?: unknown) => unknown;

/** A WebSocket, as the wasm uses it. Nothing here throws, whatever the application's class does. */
export interface Socket {
  /** The first frame that was reported: the welcome, if the connection is open. For entries. */
  _first?: unknown;
  /** Reports to the engine from now on, first what has happened so far. */
  _start(report: Reporter): void;
  /** Sends a frame: its text, or what {@link writeFrame} makes a text of. Returns the cause if that fails. */
  send(...frame: [text: string] | Parameters<typeof writeFrame>): string | undefined;
  /** Bytes that wait to be sent. */
  buffered(): number;
  /** Closes. Nothing is reported after this. */
  close(code: number): void;
}

/** Chromium reports a connection that the page's policy forbids in no other way. */
const BLOCKED = "the browser blocked the connection; allow it in the Content-Security-Policy (connect-src)";

/** How much may wait for the engine, in UTF-16 code units; each frame counts as 1,000 more. No server sends so much before `hello`. */
const EARLY_MAX = 1_000_000;

const ignore = () => {};

/**
 * Creates a WebSocket, or returns the cause if that fails. The class may be the application's: it may throw anything,
 * and it may call a handler inside any call, while the application is in the middle of a call to the client. That call must
 * return before it is answered, so the report waits.
 */
export function openSocket(make: () => InstanceType<WebSocketConstructor>): Socket | string {
  let socket: InstanceType<WebSocketConstructor> | undefined;
  let report: Reporter | undefined;
  let early = 0;
  let cause = "";
  let blockedTimer: ReturnType<typeof setTimeout> | undefined;
  const waiting: Parameters<Reporter>[] = [];
  const pump = () => {
    while (report && waiting[0] && report(...waiting[0]) !== false) waiting.shift();
    if (report && waiting[0]) queueMicrotask(pump);
  };
  const enqueue = (...what: Parameters<Reporter>) => {
    if (waiting.push(what) === 1) pump();
  };
  const release = () => {
    clearTimeout(blockedTimer);
    // `ws` in Node throws an error that has no handler.
    attempt(() => Object.assign(socket!, { onopen: null, onmessage: null, onclose: null, onerror: ignore }));
  };
  const closed = (code: unknown, reason: unknown) => {
    release();
    // 1005: a close without a code (RFC 6455 §7.4.1)
    enqueue(Call.SocketClosed, (typeof reason === "string" && reason) || cause, typeof code === "number" ? code : 1005);
  };
  const close = (code: number) => {
    report = ignore;
    release();
    attempt(() => socket!.close(code));
  };
  try {
    socket = make();
    socket.onopen = () => enqueue(Call.SocketOpen, "", 0);
    socket.onmessage = (event) => {
      const data = attempt(() => event.data);
      if (!report) early += 1000 + (typeof data === "string" ? data.length : EARLY_MAX);
      if (early <= EARLY_MAX) return enqueue(Call.SocketMessage, "", 0, data);
      closed(1009, "the server sent too much before `hello`");
      attempt(() => socket!.close(1000));
    };
    socket.onclose = (event) =>
      closed(
        attempt(() => event.code),
        attempt(() => event.reason),
      );
    socket.onerror = (event) => {
      cause = causeOf(event) || causeOf(attempt(() => event.error));
      // A close follows in the same turn of the event loop, unless the page's policy forbids the connection.
      if (attempt(() => socket!.readyState) === 3) blockedTimer = setTimeout(closed, 0, 1006, cause || BLOCKED);
    };
  } catch (error) {
    close(1000);
    return causeOf(error);
  }
  return {
    _start: (to) => {
      report = to;
      queueMicrotask(pump); // not in the middle of the call that requests the socket
    },
    send: (...frame) => {
      try {
        socket!.send(frame.length === 1 ? frame[0] : writeFrame(...frame));
      } catch (error) {
        return causeOf(error);
      }
    },
    buffered: () => attempt(() => +socket!.bufferedAmount) ?? 0,
    close,
  };
}

/**
 * The message of a thrown value, which may be anything. The error for a name with several addresses has only a code.
 */
function causeOf(error: unknown): string {
  type Thrown = { message?: unknown; code?: unknown };
  const text = typeof error === "string" ? error : attempt(() => (error as Thrown).message || (error as Thrown).code);
  return typeof text === "string" ? text : "";
}

function attempt<T>(call: () => T): T | undefined {
  try {
    return call();
  } catch {
    return undefined;
  }
}
