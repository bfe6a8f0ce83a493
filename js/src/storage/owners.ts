/** What the machine does not know of owners: who lives. */
export interface Claims {
  /** The owner lives, and sends its publications itself. */
  _lives(owner: string): void;
  /** The owner does not live. Resolves when its publications are taken over. */
  _adopt(owner: string): Promise<void>;
}

/** The parts of the platform that are used, where they exist. */
interface Locks {
  request(
    name: string,
    options: { ifAvailable?: boolean; signal?: AbortSignal },
    call: (lock: unknown) => Promise<void> | void,
  ): Promise<void>;
}
interface Announcements {
  onmessage: ((event: { data: unknown }) => void) | null;
  postMessage(message: unknown): void;
  close(): void;
  unref?(): void;
}
interface Platform {
  navigator?: { locks?: Locks };
  BroadcastChannel?: new (name: string) => Announcements;
}

/**
 * Which pages send the publications of a storage. A page holds a lock while it has some, so that others notice its end.
 * Without locks, a page takes over everything that it finds: then several pages may send the same, which does no harm.
 */
export class Owners {
  #prefix: string;
  #own: string;
  #claims: Claims;
  /** Releases the own lock, if it is held or requested. */
  #unlock: (() => void) | undefined;
  /** The owners that are waited for. */
  #claimed = new Set<string>();
  #announcements: Announcements | undefined;
  #ends = new AbortController();

  constructor(storage: string, own: string, claims: Claims) {
    this.#prefix = `seamline:outbox:${storage}`;
    this.#own = own;
    this.#claims = claims;
  }

  /** Begins to listen to other pages. */
  _start(): void {
    if (this.#announcements) return;
    const { BroadcastChannel } = globalThis as Platform;
    this.#ends = new AbortController();
    if (!BroadcastChannel || !locks()) return;
    const announcements = channel(BroadcastChannel, this.#prefix);
    if (!announcements) return;
    announcements.unref?.(); // Node would not exit
    announcements.onmessage = ({ data }) => {
      if (typeof data === "string") this._claim(data);
      else if (this.#unlock) this.#announce(this.#own); // a new page asks who has something
    };
    this.#announcements = announcements;
    this.#announce(null);
  }

  /** Ends all waiting. Others may take over. */
  _stop(): void {
    this._release();
    this.#ends.abort();
    this.#claimed.clear();
    this.#announcements?.close();
    this.#announcements = undefined;
  }

  /** There are publications: others must not take them over. */
  _hold(): void {
    if (this.#unlock || !locks()) return;
    let release = () => {};
    const released = new Promise<void>((resolve) => (release = resolve));
    this.#unlock = release;
    this.#request(this.#own, {}, () => {
      this.#announce(this.#own);
      return released;
    });
  }

  /** There are none any more. */
  _release(): void {
    this.#unlock?.();
    this.#unlock = undefined;
  }

  /** Finds out whether an owner lives, and waits for its end. */
  _claim(owner: string): void {
    if (owner === this.#own || this.#claimed.has(owner)) return;
    this.#claimed.add(owner);
    const adopt = async () => {
      this.#claimed.delete(owner);
      await this.#claims._adopt(owner);
    };
    this.#request(owner, { ifAvailable: true }, (lock) => {
      if (lock) return adopt();
      this.#claims._lives(owner);
      this.#request(owner, { signal: this.#ends.signal }, adopt);
    });
  }

  /** Without locks, or where they are forbidden, every lock is free. */
  #request(owner: string, options: Parameters<Locks["request"]>[1], call: (lock: unknown) => Promise<void> | void) {
    const { signal } = this.#ends;
    const found = locks();
    let called = false;
    const once = (lock: unknown) => {
      if (called || signal.aborted) return;
      called = true;
      return call(lock);
    };
    if (!found) return void once(true);
    const failed = () => void once(true);
    try {
      found.request(`${this.#prefix}:${owner}`, options, once).catch(failed);
    } catch {
      failed();
    }
  }

  #announce(message: string | null): void {
    try {
      this.#announcements?.postMessage(message);
    } catch {
      // It was closed by the browser. The next page finds the publications in the storage.
    }
  }
}

/** A channel; none in some browsers where the user has blocked cookies. The next page then finds the publications. */
function channel(Channel: NonNullable<Platform["BroadcastChannel"]>, name: string): Announcements | undefined {
  try {
    return new Channel(name);
  } catch {
    return undefined;
  }
}

function locks(): Locks | undefined {
  return (globalThis as Platform).navigator?.locks;
}
