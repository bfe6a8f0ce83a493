/** Closes that no publication causes. */
const BLAMELESS = new Set([1000, 1001, 1012, 1013, 4401, 4408, 4429]);

/** A close that is nobody's fault, for tabs that must not blame their publications. */
const GOING_AWAY = 1001;

/** A tab's frame that waits. */
interface Waiting<S> {
  readonly socket: S;
  readonly name: string;
  readonly text: string;
}

/**
 * The publications without an answer, by the tabs that wait for it.
 *
 * A publication may make the server or a proxy close the connection. A tab finds its own by sending one at a time. Here,
 * the publications of several tabs share a connection: if it closes with those of several in flight, only one tab's are
 * sent at a time, until all are answered.
 */
export class Publications<S> {
  /** By channel and key. Two tabs may send the same one. */
  readonly #unanswered = new Map<string, Set<S>>();
  /** Those the server wants again, before it takes others of the channel. */
  readonly #postponed = new Map<string, S>();
  #waiting: Waiting<S>[] = [];
  #oneTabAtATime = false;

  constructor(private readonly send: (text: string) => void) {}

  publish(socket: S, name: string, text: string): void {
    this.#waiting.push({ socket, name, text });
    this.#flush();
  }

  /** The server has answered. Returns the tabs that wait for it. `isPostponed`: it wants the publication again. */
  answered(name: string, isPostponed: boolean): S[] {
    const sockets = [...(this.#unanswered.get(name) ?? [])];
    this.#unanswered.delete(name);
    if (isPostponed && sockets[0] !== undefined) this.#postponed.set(name, sockets[0]);
    if (this.#unanswered.size === 0 && this.#waiting.length === 0) this.#oneTabAtATime = false;
    this.#flush();
    return sockets;
  }

  /**
   * A tab is gone. Returns whether the server waits for one of its publications: it would refuse all later ones of the
   * channel, whichever tab they are from.
   */
  remove(socket: S): boolean {
    this.#waiting = this.#waiting.filter((waiting) => waiting.socket !== socket);
    for (const [name, sockets] of this.#unanswered) {
      if (sockets.delete(socket) && sockets.size === 0) this.#unanswered.delete(name);
    }
    const isAwaited = [...this.#postponed.values()].includes(socket);
    this.#flush();
    return isAwaited;
  }

  /** The connection has closed. Returns the code for each tab: a close that several may have caused accuses none. */
  closed(code: number): number {
    const tabs = new Set([...this.#unanswered.values()].flatMap((sockets) => [...sockets]));
    this.#oneTabAtATime = BLAMELESS.has(code) ? this.#oneTabAtATime : tabs.size > (this.#oneTabAtATime ? 0 : 1);
    const shown = tabs.size > 1 && !BLAMELESS.has(code) ? GOING_AWAY : code;
    this.#unanswered.clear();
    this.#postponed.clear();
    this.#waiting = [];
    return shown;
  }

  #flush(): void {
    const later: Waiting<S>[] = [];
    for (const waiting of this.#waiting) {
      if (this.#oneTabAtATime && !this.#isOnly(waiting.socket)) later.push(waiting);
      else this.#sendNow(waiting);
    }
    this.#waiting = later;
  }

  #sendNow({ socket, name, text }: Waiting<S>): void {
    this.#unanswered.set(name, (this.#unanswered.get(name) ?? new Set()).add(socket));
    this.#postponed.delete(name);
    this.send(text);
  }

  #isOnly(socket: S): boolean {
    return [...this.#unanswered.values()].every((sockets) => sockets.has(socket));
  }
}
