import { write } from "./frames.js";

/** A tab that gives up an unanswered ping sooner than this is closing, not complaining. */
const COMPLAINT_MS = 1000;

/** The pings of all tabs, as one on the wire. */
export class Pings<S> {
  /** Since when a tab waits for a `pong`. */
  readonly #waiting = new Map<S, number>();
  #isSent = false;
  /** The announcement of a large frame that has not arrived. */
  #incoming: string | undefined;

  constructor(
    private readonly send: (frame: string) => void,
    private readonly deliver: (socket: S, frame: string) => void,
  ) {}

  ping(socket: S, now: number): void {
    if (!this.#waiting.has(socket)) this.#waiting.set(socket, now);
    if (this.#incoming !== undefined) this.deliver(socket, this.#incoming);
    if (!this.#isSent) this.send(write("ping"));
    this.#isSent = true;
  }

  /** A large frame is on its way: a tab that pings later must know that, too. */
  announced(incoming: string): void {
    this.#incoming = incoming;
  }

  /** Any frame shows that the server is there. */
  heard(): void {
    this.#isSent = false;
    this.#incoming = undefined;
    const waiting = [...this.#waiting.keys()];
    this.#waiting.clear();
    for (const socket of waiting) this.deliver(socket, write("pong"));
  }

  /** A tab closes a socket. Returns whether it does that because the server has not answered its ping. */
  removed(socket: S, now: number): boolean {
    const pingedAt = this.#waiting.get(socket);
    this.#waiting.delete(socket);
    return pingedAt !== undefined && now - pingedAt >= COMPLAINT_MS;
  }

  /** The connection is another one. */
  clear(): void {
    this.#waiting.clear();
    this.#isSent = false;
    this.#incoming = undefined;
  }
}
