import { pause } from "./pause.js";
import { openSocket, type Socket } from "./socket.js";
import { fetchToken } from "./token.js";
import type { Options, WebSocketConstructor } from "./types.js";

/** How long the socket waits for the wasm and the token. The server closes one that has sent nothing for 10 s. */
const WAIT_MS = 5000;

/** Out here, because a token that never comes keeps it: a function in there would keep all of that scope. */
const ignore = () => {};

/** What the first attempt needs beside the wasm. Each can be taken once. */
export interface Early {
  /** The socket, or the cause if it could not be created. */
  _socket(): Socket | string | undefined;
  _token(): Promise<string> | undefined;
  /** Closes the socket, unless it was taken. */
  _end(): void;
}

/**
 * Opens the first socket and calls the token function while the wasm loads: neither needs it. The wasm still decides
 * when it takes them. Both begin after this turn, so that nothing happens for a client that is closed in the turn in
 * which it was created, as in React's StrictMode.
 */
export function beginEarly(make: () => InstanceType<WebSocketConstructor>, token: Options["token"]): Early {
  let socket: Socket | string | undefined;
  let fetched: Promise<string> | undefined;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let ended = false;
  const _socket = () => {
    const taken = socket;
    clearTimeout(timer);
    ended = true;
    socket = undefined;
    return taken;
  };
  const _end = () => {
    const left = _socket();
    if (typeof left === "object") left.close(1000);
  };
  const begin = async () => {
    await pause();
    if (ended) return;
    socket = openSocket(make);
    if (ended) return _end(); // the application's class has closed the client
    timer = setTimeout(_end, WAIT_MS);
    if (typeof token !== "function") return;
    fetched = fetchToken(token, false);
    fetched.catch(ignore); // the wasm may never request it
  };
  void begin();
  const _token = () => {
    const taken = fetched;
    fetched = undefined;
    return taken;
  };
  return { _socket, _token, _end };
}
