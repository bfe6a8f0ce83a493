import type { ToTab } from "./messages.js";

/** What the hub does to the world. */
export interface HubPort {
  /** Sends a message to a tab. It arrives after all earlier ones. */
  post(tab: string, message: ToTab): void;
  /** Opens the WebSocket. Its events go to `wireOpened`, `wireReceived` and `wireClosed`. */
  connect(): void;
  /** Sends a frame on it. */
  send(text: string): void;
  /** Closes it. No event of it follows. */
  disconnect(code: number): void;
  /** The server has accepted the connection. */
  connected(): void;
}
