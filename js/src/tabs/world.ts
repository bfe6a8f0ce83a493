import { Call } from "../boundary.js";
import { randomName } from "../random.js";
import type { SharedClient } from "../shared.js";
import { openSocket } from "../socket.js";
import type { Member } from "./member.js";
import { isPosted, type Message, VERSION } from "./messages.js";
import type { Wire, WireEvents, World } from "./platform.js";

/** The right to have the hub, requested or held. */
interface Candidacy {
  /** Stops waiting, or gives the right back. */
  end(): void;
}

/** Whether this page can share: by Web Locks, which only secure contexts have, and by BroadcastChannel. */
export function canShare(): boolean {
  const isPage = Boolean(globalThis.document) || "WorkerGlobalScope" in globalThis;
  return isPage && Boolean(globalThis.navigator?.locks) && Boolean(globalThis.BroadcastChannel);
}

/** The browser, as a member of a group of tabs uses it. */
export class BrowserWorld implements World {
  readonly tab = randomName().slice(16);
  readonly #group: string;
  #member: Member | undefined;
  /** The channels that this tab sends on, by their names. */
  readonly #channels = new Map<string, BroadcastChannel>();
  #candidacy: Candidacy | undefined;
  /** Ends what waits for other tabs' ends. */
  #watching = new AbortController();
  /** Lets the others know that this tab has ended. */
  #release: (() => void) | undefined;
  /** The browser refuses locks or channels, as in a sandboxed frame: nothing is shared. */
  isAlone = false;

  constructor(
    name: string,
    private readonly client: SharedClient,
    private readonly wakeClient: (event: string) => void,
  ) {
    this.#group = `seamline:tabs:${VERSION}:${name}`;
  }

  /** The member takes part as soon as the others can learn of its end. */
  enter(member: Member): void {
    this.#member = member;
    const entered = () => {
      if (this.#member === member) member.join();
    };
    const alone = () => {
      this.isAlone = true;
      entered();
    };
    const held = () =>
      new Promise<void>((release) => {
        if (!this.#member) return release();
        this.#release = release;
        entered();
      });
    try {
      for (const name of [this.#group, this.#inbox(this.tab)]) {
        this.#channel(name).onmessage = ({ data }) => isPosted(data) && member.receive(...data);
      }
    } catch {
      return alone(); // some browsers, where the user has blocked cookies
    }
    request(this.#inbox(this.tab), {}, held).catch(alone);
  }

  now(): number {
    return performance.timeOrigin + performance.now();
  }

  isHidden(): boolean {
    return globalThis.document?.hidden ?? false;
  }

  after(ms: number, call: () => void): () => void {
    const timer = setTimeout(call, ms);
    return () => clearTimeout(timer);
  }

  post(to: string | undefined, message: Message): void {
    if (to === this.tab) return queueMicrotask(() => this.#member?.receive(this.tab, message));
    if (!this.isAlone) this.#channel(to === undefined ? this.#group : this.#inbox(to)).postMessage([this.tab, message]);
  }

  elect(steal: boolean): void {
    this.resign();
    const member = this.#member;
    if (this.isAlone) return void member?.elected();
    const abort = new AbortController();
    let release: (() => void) | undefined;
    const candidacy: Candidacy = { end: () => (release ? release() : abort.abort()) };
    const isCurrent = () => this.#candidacy === candidacy;
    this.#candidacy = candidacy;
    const elected = () =>
      new Promise<void>((resolve) => {
        if (!isCurrent()) return resolve();
        release = resolve;
        member?.elected();
      });
    // A request with `steal` may have no signal. It fails if another tab has stolen the lock.
    request(this.#group, steal ? { steal } : { signal: abort.signal }, elected).catch((error: unknown) => {
      if (!isCurrent()) return;
      this.#candidacy = undefined; // a grant that arrives later counts no more
      if (release) member?.deposed();
      else if ((error as Error | undefined)?.name === "AbortError") this.elect(false);
    });
  }

  resign(): void {
    const candidacy = this.#candidacy;
    this.#candidacy = undefined;
    candidacy?.end();
    this.#watching.abort();
    this.#watching = new AbortController();
  }

  watch(tab: string, gone: () => void): void {
    const { signal } = this.#watching;
    request(this.#inbox(tab), { signal }, async () => gone()).catch(() => {});
  }

  leave(): void {
    this.#member = undefined;
    this.#release?.();
    this.#release = undefined;
    for (const channel of this.#channels.values()) channel.close();
    this.#channels.clear();
  }

  connect({ opened, received, closed }: WireEvents): Wire {
    const { _url, _options } = this.client;
    const socket = openSocket(() => new (_options.WebSocket ?? WebSocket)(_url, "seamline.v1"));
    if (typeof socket === "string") {
      queueMicrotask(() => closed(1006, socket));
      return { send: () => {}, close: () => {} };
    }
    socket._start((kind, reason, code, data) => {
      if (kind === Call.SocketOpen) opened();
      else if (kind === Call.SocketMessage) received(data);
      else closed(code, reason);
    });
    return { send: (text) => void socket.send(text), close: (code) => socket.close(code) };
  }

  wake(role: string): void {
    this.wakeClient(`shared: ${role}`);
  }

  #inbox(tab: string): string {
    return `${this.#group}/${tab}`;
  }

  #channel(name: string): BroadcastChannel {
    const channel = this.#channels.get(name) ?? new BroadcastChannel(name);
    this.#channels.set(name, channel);
    return channel;
  }
}

/** Requests a lock. It is held until the promise of `held` resolves. */
async function request(name: string, options: LockOptions, held: () => Promise<void>): Promise<void> {
  await navigator.locks.request(name, options, held);
}
