import type { SharedRole } from "../shared.js";
import type { Message } from "./messages.js";

/** What a member does to the world. All of it may be simulated. */
export interface World {
  /** The name of this tab: unique among all. */
  readonly tab: string;
  /** The time in milliseconds. It never runs backwards. */
  now(): number;
  /** Whether the page is hidden: its timers are late. */
  isHidden(): boolean;
  /** Calls back once, after a time. Returns a function that prevents it. */
  after(ms: number, call: () => void): () => void;
  /**
   * Sends a message to a tab, or to all others. Messages from one tab to another arrive in order, later than this call
   * returns; those to a tab that is gone are lost. `receive` gets them.
   */
  post(to: string | undefined, message: Message): void;
  /**
   * Requests the right to have the hub, which one tab has at a time: `elected` when it is this one's turn. `steal` takes
   * it from the tab that has it, which is `deposed`. A tab that ends loses it.
   */
  elect(steal: boolean): void;
  /** Gives the right back, or stops waiting for it. */
  resign(): void;
  /** Calls back when a tab has ended. */
  watch(tab: string, gone: () => void): void;
  /** Stops sending and receiving. */
  leave(): void;
  /** Opens the WebSocket to the server. */
  connect(events: WireEvents): Wire;
  /** Where it is now, for diagnostics; the client connects now, if it waits. */
  wake(role: SharedRole): void;
}

/** The WebSocket to the server. Nothing here throws. */
export interface Wire {
  send(text: string): void;
  /** No event follows. */
  close(code: number): void;
}

export interface WireEvents {
  opened(): void;
  received(data: unknown): void;
  closed(code: number, reason: string): void;
}
