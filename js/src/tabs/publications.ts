/** Closes that no publication causes. */
const BLAMELESS = new Set([1000, 1001, 1012, 1013, 4401, 4408, 4429]);

/** A close that is nobody's fault, for tabs that must not blame their publications. */
const GOING_AWAY = 1001;

/** A publication: its channel, and its key there. */
export interface Name {
  readonly ch: string;
  readonly key: string;
}

/** A tab's frame that waits. */
interface Waiting<S> extends Name {
  readonly socket: S;
  readonly text: string;
}

/** A publication that was sent and is not settled. */
interface Sent<S> {
  /** The tabs that wait for it. Two may send the same one; those that are gone wait no more. */
  readonly tabs: Set<S>;
  /** The server wants it again, before it takes later ones of the channel. */
  isPostponed: boolean;
}

/**
 * The publications of all tabs.
 *
 * The server takes the publications of a socket in the order in which it saw them first, and refuses later ones of a
 * channel until an earlier one that it has refused is there again. Each tab repeats its own in order. So here the
 * repetitions of all tabs are put into the order of the channel, and new publications wait behind them.
 *
 * Two tabs may send the same publication. It is in flight once at a time: of two answers, the first could settle it, and
 * the second could ask for it again, when nobody repeats it any more.
 *
 * A publication may make the server or a proxy close the connection. A tab finds its own by sending one at a time. If the
 * connection closes with publications of several tabs in flight, only one tab's are sent at a time, until all are
 * settled.
 */
export class Publications<S> {
  /** By channel and key, in the order in which the server saw them first. */
  readonly #sent = new Map<string, Map<string, Sent<S>>>();
  #waiting: Waiting<S>[] = [];
  #oneTabAtATime = false;

  /**
   * @param abandoned called when the server wants a publication again whose tab is gone: it would refuse all later ones
   *   of the channel on this connection, whichever tab they are from
   */
  constructor(
    private readonly send: (text: string) => void,
    private readonly abandoned: () => void,
  ) {}

  publish(socket: S, name: Name, text: string): void {
    this.#waiting.push({ ...name, socket, text });
    this.#flush();
  }

  /** The server has answered. Returns the tabs that wait for that. `isPostponed`: it wants the publication again. */
  answered({ ch, key }: Name, isPostponed: boolean): S[] {
    const channel = this.#sent.get(ch);
    const sent = channel?.get(key);
    if (!channel || !sent) return [];
    sent.isPostponed = isPostponed;
    if (!isPostponed) {
      channel.delete(key);
      // Who has the answer does not need another one.
      this.#waiting = this.#waiting.filter(
        (other) => other.ch !== ch || other.key !== key || !sent.tabs.has(other.socket),
      );
    }
    if (channel.size === 0) this.#sent.delete(ch);
    if (this.#sent.size === 0 && this.#waiting.length === 0) this.#oneTabAtATime = false;
    this.#flush();
    if (isPostponed && sent.tabs.size === 0) this.abandoned();
    return [...sent.tabs];
  }

  /** A tab is gone. Its publications in flight stay: the server may want one again. */
  remove(socket: S): void {
    this.#waiting = this.#waiting.filter((waiting) => waiting.socket !== socket);
    const all = [...this.#sent.values()].flatMap((channel) => [...channel.values()]);
    const left = all.filter(({ tabs }) => tabs.delete(socket) && tabs.size === 0);
    this.#flush();
    if (left.some(({ isPostponed }) => isPostponed)) this.abandoned();
  }

  /** The connection has closed. Returns the code for the tabs: a close that several may have caused accuses none. */
  closed(code: number): number {
    const tabs = new Set(this.#inFlight().flatMap((sent) => [...sent.tabs]));
    if (!BLAMELESS.has(code)) this.#oneTabAtATime = tabs.size > (this.#oneTabAtATime ? 0 : 1);
    this.#sent.clear();
    this.#waiting = [];
    return tabs.size > 1 && !BLAMELESS.has(code) ? GOING_AWAY : code;
  }

  #flush(): void {
    for (let next = this.#next(); next; next = this.#next()) {
      const { ch, key, socket, text } = next;
      this.#waiting.splice(this.#waiting.indexOf(next), 1);
      const channel = this.#sent.get(ch) ?? new Map<string, Sent<S>>();
      const sent = channel.get(key) ?? { tabs: new Set<S>(), isPostponed: false };
      sent.tabs.add(socket);
      sent.isPostponed = false;
      this.#sent.set(ch, channel.set(key, sent));
      this.send(text);
    }
  }

  #next(): Waiting<S> | undefined {
    const wanted = new Map([...this.#sent.keys()].map((ch) => [ch, this.#wanted(ch)]));
    return this.#waiting.find(({ ch, key, socket }) => {
      if (this.#sent.get(ch)?.get(key)?.isPostponed === false) return false;
      return (wanted.get(ch) ?? key) === key && (!this.#oneTabAtATime || this.#isOnly(socket));
    });
  }

  /** The key that the server wants again before it takes later ones of the channel. */
  #wanted(ch: string): string | undefined {
    for (const [key, { isPostponed }] of this.#sent.get(ch) ?? []) if (isPostponed) return key;
    return undefined;
  }

  #isOnly(socket: S): boolean {
    return this.#inFlight().every(({ tabs }) => tabs.has(socket));
  }

  #inFlight(): Sent<S>[] {
    return [...this.#sent.values()]
      .flatMap((channel) => [...channel.values()])
      .filter(({ isPostponed }) => !isPostponed);
  }
}
