// Gets at the sockets under the library, to break them without its knowing. A page can do no more to
// a WebSocket than `close()` it, and the library keeps its own to itself; so we stand in for the
// constructor. The `pane` in the URL identifies each pane's socket. The server ignores it.

const NativeWebSocket = globalThis.WebSocket;

/** The newest socket of each pane. */
const sockets = new Map();
/** The newest frames with messages of each pane, as they came. */
const frames = new Map();
const FRAMES_KEPT = 20;
/** The panes that are held offline. */
const held = new Set();

/** The URL for a pane's client. */
export function socketUrl(pane) {
  return `/ws?pane=${encodeURIComponent(pane)}`;
}

globalThis.WebSocket = class extends NativeWebSocket {
  // biome-ignore lint/correctness/noUnreachableSuper: a pane without a network gets another kind of object
  constructor(url, protocols) {
    const pane = new URL(url).searchParams.get("pane");
    // biome-ignore lint/correctness/noConstructorReturn: as above
    if (held.has(pane)) return new UnreachableSocket();
    super(url, protocols);
    sockets.set(pane, this);
    this.addEventListener("message", (event) => {
      // `isTrusted`: those that `repeat` makes are not kept again.
      if (event.isTrusted && messagesIn(event.data) > 0) keep(pane, event.data);
    });
  }
};

function keep(pane, frame) {
  frames.set(pane, [...(frames.get(pane) ?? []), frame].slice(-FRAMES_KEPT));
}

function messagesIn(frame) {
  const { op, ids } = JSON.parse(frame);
  return op === "msgs" ? ids.length : 0;
}

/** What a socket does when there is no network: it closes, with the code that means "abnormally". */
class UnreachableSocket extends EventTarget {
  readyState = NativeWebSocket.CONNECTING;
  bufferedAmount = 0;
  onclose = null;

  constructor() {
    super();
    setTimeout(() => {
      this.readyState = NativeWebSocket.CLOSED;
      this.onclose?.(new CloseEvent("close", { code: 1006 }));
    });
  }

  send() {}
  close() {}
}

/**
 * Cuts the pane's socket; whether there was one. From here on the browser discards what the server
 * still has in transit, and the library sees only that the socket has closed.
 */
export function cut(pane) {
  const socket = sockets.get(pane);
  const alive = socket?.readyState === NativeWebSocket.OPEN || socket?.readyState === NativeWebSocket.CONNECTING;
  if (alive) socket.close();
  return alive;
}

/** Takes the pane offline. */
export function hold(pane) {
  held.add(pane);
  cut(pane);
}

/** Brings it back, and dispatches the event that the browser dispatches when the network returns. */
export function release(pane) {
  held.delete(pane);
  globalThis.dispatchEvent(new Event("online"));
}

/** Whether the pane is held offline. */
export function isHeld(pane) {
  return held.has(pane);
}

/**
 * Has the pane's socket deliver its newest frames a second time, as a server would that replays too
 * much. Returns how many messages that were; 0 also when there is no socket.
 */
export function repeat(pane) {
  const socket = sockets.get(pane);
  if (socket?.readyState !== NativeWebSocket.OPEN) return 0;
  const again = frames.get(pane) ?? [];
  for (const data of again) socket.dispatchEvent(new MessageEvent("message", { data }));
  return again.reduce((sum, frame) => sum + messagesIn(frame), 0);
}
