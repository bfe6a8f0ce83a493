import { bytes } from "../text.js";
import type { WebSocketConstructor } from "../types.js";
import type { Backend } from "./backend.js";
import { Connection } from "./connection.js";
import { write } from "./frames.js";

const SUBPROTOCOL = "seamline.v1";
/** A frame of this size or more is announced. */
const ANNOUNCED_BYTES = 4096;
const [CONNECTING, OPEN, CLOSING, CLOSED] = [0, 1, 2, 3];

/** Whether the server can be reached. */
export interface Network {
  isOffline: boolean;
}

// biome-ignore lint/suspicious/noExplicitAny: as in `WebSocketConstructor`
type Handler = ((event: any) => void) | null;

/** The class of the WebSockets that are connected to this server. */
export function webSocketClass(backend: Backend, network: Network): WebSocketConstructor {
  return class WebSocket {
    static readonly CONNECTING = CONNECTING;
    static readonly OPEN = OPEN;
    static readonly CLOSING = CLOSING;
    static readonly CLOSED = CLOSED;
    readonly bufferedAmount = 0;
    readonly url: string;
    protocol = "";
    readyState = CONNECTING;
    onopen: Handler = null;
    onmessage: Handler = null;
    onclose: Handler = null;
    onerror: Handler = null;
    #connection: Connection | undefined;

    constructor(url: string | URL, protocols: string | string[] = []) {
      this.url = String(url);
      if (![protocols].flat().includes(SUBPROTOCOL)) {
        throw new Error(`the test server speaks only ${SUBPROTOCOL}; leave out the option \`dialect\``);
      }
      backend.transit.add(() => this.#open());
    }

    send(data: unknown): void {
      if (this.readyState === CONNECTING) throw new Error("the WebSocket is not open yet");
      if (this.readyState === OPEN) backend.transit.add(() => this.#connection?.receive(data));
    }

    close(code = 1005, reason = ""): void {
      if (this.readyState === CLOSING || this.readyState === CLOSED) return;
      this.readyState = CLOSING;
      backend.transit.add(() => this.#end(code, reason));
    }

    #open(): void {
      if (this.readyState !== CONNECTING) return;
      if (network.isOffline) {
        this.readyState = CLOSING;
        this.onerror?.({ type: "error", message: "the test server is offline" });
        return this.#end(1006, "");
      }
      this.#connection = new Connection(backend, {
        send: (frame) => this.#deliver(frame),
        close: (code, reason) => backend.transit.add(() => this.#end(code, reason)),
        cut: () => this.#cut(),
      });
      backend.connections.add(this.#connection);
      [this.readyState, this.protocol] = [OPEN, SUBPROTOCOL];
      this.onopen?.({ type: "open" });
    }

    /** After `close()`, frames still arrive until the close has been answered. */
    #deliver(frame: string): void {
      const size = bytes(frame);
      const frames = size < ANNOUNCED_BYTES ? [frame] : [write("incoming", { bytes: size }), frame];
      for (const data of frames) {
        backend.transit.add(() => {
          if (this.readyState === OPEN || this.readyState === CLOSING) this.onmessage?.({ type: "message", data });
        });
      }
    }

    /** Nothing in transit arrives any more. */
    #cut(): void {
      this.readyState = CLOSED;
      backend.transit.add(() => this.onclose?.({ type: "close", code: 1006, reason: "", wasClean: false }));
    }

    #end(code: number, reason: string): void {
      if (this.readyState === CLOSED) return;
      this.readyState = CLOSED;
      this.#connection?.end();
      this.onclose?.({ type: "close", code, reason, wasClean: code !== 1006 });
    }
  };
}
