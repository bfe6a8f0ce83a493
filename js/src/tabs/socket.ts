import { REPORT_LENGTH } from "./flow.js";
import type { HubName, ToHub, ToTab } from "./messages.js";

const [CONNECTING, OPEN, CLOSING, CLOSED] = [0, 1, 2, 3];

// biome-ignore lint/suspicious/noExplicitAny: as in `WebSocketConstructor`
type Handler = ((event: any) => void) | null;

/** What a virtual WebSocket needs of its tab. */
export interface TabPort {
  toHub(hub: HubName, message: ToHub): void;
  /** It is closed. */
  ended(socket: TabSocket): void;
}

/** A virtual WebSocket: the client's, carried by the hub of some tab. It opens when there is a hub. */
export class TabSocket {
  /** What is on its way to the hub does not count: nothing waits there for a network. */
  readonly bufferedAmount = 0;
  readyState = CONNECTING;
  onopen: Handler = null;
  onmessage: Handler = null;
  onclose: Handler = null;
  onerror: Handler = null;
  /** The hub that carries it. */
  hub: HubName | undefined;
  #got = 0;

  constructor(
    readonly id: string,
    private readonly url: string,
    private readonly port: TabPort,
  ) {}

  /** There is a hub. */
  bind(hub: HubName): void {
    this.hub = hub;
    this.#send({ type: "open", socket: this.id, url: this.url });
  }

  send(text: string): void {
    if (this.readyState === CONNECTING) throw new Error("the WebSocket is not open yet");
    if (this.readyState === OPEN) this.#send({ type: "send", socket: this.id, text });
  }

  close(code = 1005, reason = ""): void {
    if (this.readyState >= CLOSING) return;
    this.readyState = CLOSING;
    this.#send({ type: "close", socket: this.id });
    this.port.ended(this);
    queueMicrotask(() => this.#closed(code, reason));
  }

  /** A message of the hub. */
  receive(message: ToTab): void {
    switch (message.type) {
      case "opened":
        if (this.readyState !== CONNECTING) return;
        this.readyState = OPEN;
        return this.onopen?.({ type: "open" });
      case "frame":
        this.#report(message.text.length);
        return this.onmessage?.({ type: "message", data: message.text });
      case "closed":
        return this.lost(message.code, message.reason);
    }
  }

  /** The hub has closed it, or is gone. */
  lost(code: number, reason: string): void {
    this.port.ended(this);
    this.#closed(code, reason);
  }

  #closed(code: number, reason: string): void {
    if (this.readyState === CLOSED) return;
    this.readyState = CLOSED;
    this.onclose?.({ type: "close", code, reason, wasClean: code !== 1006 });
  }

  #report(length: number): void {
    this.#got += length;
    if (this.#got < REPORT_LENGTH) return;
    this.#send({ type: "got", socket: this.id, length: this.#got });
    this.#got = 0;
  }

  #send(message: ToHub): void {
    if (this.hub) this.port.toHub(this.hub, message);
  }
}
