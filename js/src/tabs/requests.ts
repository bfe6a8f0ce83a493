import type { Frame } from "./frames.js";

/** Requests of tabs whose answers name them by their `ref`. On the wire, each has a number that no other one has. */
export class Requests<S> {
  readonly #sent = new Map<number, { readonly socket: S; readonly ref: number }>();

  /** Returns the frame for the wire. */
  request(socket: S, ref: number, number: number, frame: Frame): string {
    this.#sent.set(number, { socket, ref });
    return JSON.stringify({ ...frame, ref: number });
  }

  /** If a frame is an answer: the tab that waits for it, and the frame for that tab. */
  answered(frame: Frame): { readonly socket: S; readonly text: string } | undefined {
    const request = frame.ref === undefined ? undefined : this.#sent.get(frame.ref);
    if (!request) return undefined;
    this.#sent.delete(frame.ref!);
    return { socket: request.socket, text: JSON.stringify({ ...frame, ref: request.ref }) };
  }

  remove(socket: S): void {
    for (const [number, request] of this.#sent) if (request.socket === socket) this.#sent.delete(number);
  }

  clear(): void {
    this.#sent.clear();
  }
}
