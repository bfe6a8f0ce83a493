import type { ErrorCode } from "../codes.js";
import { Emitter } from "../emitter.js";
import type { SeamlineError } from "../error.js";
import { failed, type Joins, type Promised, type Publications } from "../publications.js";
import { randomName } from "../random.js";
import type { Status } from "../status.js";
import { bytes } from "../text.js";
import type { Outbox, OutboxEvents, OutboxStats, Published, StoredPublication } from "../types.js";
import type { Entry, Limits } from "./entries.js";
import { type Lineage, lineageOf } from "./lineage.js";
import { type Command, Machine } from "./machine.js";
import { Owners } from "./owners.js";
import { type Failure, TABLE } from "./record.js";
import type { Storage, StorageRecord } from "./types.js";

/** How long a storage may take. Some browsers never answer. */
const STORAGE_MS_MAX = 10_000;
/** Engines store a timer's delay as a signed 32-bit integer. */
const TIMER_MS_MAX = 2 ** 31 - 1;
/** The longest idempotency key. */
const KEY_BYTES_MAX = 200;
/** Of a window. A worker has the functions, and never the events. */
interface PageEvents {
  addEventListener(event: "pagehide" | "pageshow", listener: () => void): void;
  removeEventListener(event: "pagehide" | "pageshow", listener: () => void): void;
}

/** What an outbox needs from its client. */
export interface Port {
  readonly _status: Status;
  /** How many publications the client may have unanswered. */
  readonly _clientMax: number;
  _error(code: ErrorCode, message: string, cause?: unknown): SeamlineError;
}

/** Sends a publication until the server has answered, or the connection ends. */
type Send = (channel: string, key: string, json: string) => Promise<Published>;

/** Those who wait for a publication's answer. */
interface Waiter {
  resolve(published: Published): void;
  reject(error: unknown): void;
}

/** The outbox of a client: does what the machine decides. */
export class DurableOutbox implements Outbox, Joins {
  #port: Port;
  #storage: Storage;
  #machine: Machine;
  /** Set while the client has a connection. */
  #send: Send | undefined;
  #owners: Owners;
  #lineage: Lineage;
  #events = new Emitter<OutboxEvents>("change", "sent", "failed");
  #waiters = new Map<Entry, Waiter[]>();
  /** What `list()` shows of each publication, until it changes. */
  #views = new Map<Entry, StoredPublication>();
  #list: readonly StoredPublication[] = [];
  #listed = 0;
  /** The version for which it was last checked whether there is a change to emit, and the list that was emitted. */
  #checked = 0;
  #emitted: readonly StoredPublication[] = [];
  /** Whether that will be checked at the end of the turn. */
  #willEmit = false;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #ready: Promise<void>;
  #isReady = () => {};
  #counts = { full: 0, expired: 0 };
  /** Removes the listeners of the page, while the client is open. */
  #stopListening: (() => void) | undefined;
  #isRunning = false;

  constructor(port: Port, storage: Storage, name: string, limits: Limits) {
    const owner = randomName().slice(16);
    this.#port = port;
    this.#storage = storage;
    this.#ready = new Promise((resolve) => (this.#isReady = resolve));
    this.#owners = new Owners(name, owner, {
      _lives: (other) => this.#do((now) => this.#machine._lives(other, now)),
      _adopt: (other) => this.#adopt(other),
    });
    this.#lineage = lineageOf(name, owner);
    const { _predecessor } = this.#lineage;
    this.#machine = new Machine({ ...limits, _owner: owner, _predecessor, _clientMax: port._clientMax });
    port._status._events.on("state", ({ name }) => {
      if (name === "closed") this.#stop();
      else this.#start();
      this.#do((now) => this.#machine._connection(name === "open", now));
    });
    this.#start();
    this.#do(() => {});
  }

  get isDurable(): boolean {
    return this.#machine._isDurable;
  }

  ready(): Promise<void> {
    return this.#ready;
  }

  list(): readonly StoredPublication[] {
    const { _entries } = this.#machine;
    if (this.#listed !== _entries._version) {
      this.#listed = _entries._version;
      const before = this.#views;
      this.#views = new Map([..._entries].map((entry) => [entry, viewOf(this.#port, entry, before.get(entry))]));
      const list = [...this.#views.values()];
      const isSame = list.length === this.#list.length && list.every((view, i) => view === this.#list[i]);
      if (!isSame) this.#list = list;
    }
    return this.#list;
  }

  on<E extends keyof OutboxEvents>(event: E, listener: OutboxEvents[E]): () => void {
    return this.#events.on(event, listener);
  }

  stats(): OutboxStats {
    const { _count, _bytes } = this.#machine._entries;
    return { messages: _count, bytes: _bytes, ...this.#counts };
  }

  retry({ channel, key }: { channel: string; key: string }): Promise<Published> {
    const entry = this.#machine._entries._find(channel, key);
    if (!entry) {
      const message = `the outbox has no publication "${key}" to channel "${channel}": it was sent or discarded`;
      return Promise.reject(this.#port._error("discarded", message));
    }
    const answer = this.#wait(entry);
    this.#do((now) => this.#machine._retry(entry, now));
    return answer;
  }

  discard({ channel, key }: { channel: string; key: string }): boolean {
    const entry = this.#machine._entries._find(channel, key);
    const isDiscarded = entry && this.#do((now) => this.#machine._discard(entry, now));
    if (!isDiscarded) return false;
    this.#reject(entry, { code: "discarded", message: "it was discarded before it was sent" });
    return true;
  }

  /** Comes before the publications of a new connection. */
  _join(publications: Publications): void {
    const publish = publications._publish.bind(publications);
    this.#send = (_name, _key, _json) =>
      new Promise((_resolve, _reject) => {
        publish({ _name, _key, _resolve, _reject }, { _json, _size: bytes(_json) });
      });
    publications._publish = (promised, payload, error) => {
      if (error) return publish(promised, payload, error);
      publications._unanswered++;
      const done = () => {
        if (--publications._unanswered === 0) publications._onEmpty();
      };
      void this.#publish(promised, payload._json).then(promised._resolve, promised._reject).then(done);
    };
  }

  #publish({ _name, _key }: Promised, json: string): Promise<Published> {
    const refuse = (code: string, message: string) => {
      return Promise.reject(this.#port._error(code, failed(_name, _key, message)));
    };
    if (_key === "" || bytes(_key) > KEY_BYTES_MAX) {
      return refuse("bad_key", `an idempotency key has 1 to ${KEY_BYTES_MAX} bytes`);
    }
    const known = this.#machine._entries._find(_name, _key);
    if (known?._stored.json === json) return this.retry({ channel: _name, key: _key });
    const entry = this.#do((now) => this.#machine._publish(_name, _key, json, now));
    if (!("code" in entry)) return this.#wait(entry);
    this.#counts.full++;
    return refuse(entry.code, entry.message);
  }

  #wait(entry: Entry): Promise<Published> {
    return new Promise((resolve, reject) => {
      this.#waiters.set(entry, [...(this.#waiters.get(entry) ?? []), { resolve, reject }]);
    });
  }

  /** Reports something to the machine, and does what it decides then. */
  #do<T>(call: (now: number) => T): T {
    const result = call(Date.now());
    if (this.#isRunning) return result; // it is done further down in the stack
    this.#isRunning = true;
    for (let next = this.#machine._poll(); next; next = this.#machine._poll()) this.#perform(next);
    this.#isRunning = false;
    this.#after();
    return result;
  }

  #after(): void {
    const { _entries } = this.#machine;
    if (_entries._count > 0 && this.#stopListening) this.#owners._hold();
    else this.#owners._release();
    clearTimeout(this.#timer);
    const waitMs = Math.min(this.#machine._wakeAt() - Date.now(), TIMER_MS_MAX);
    if (this.#stopListening && waitMs < TIMER_MS_MAX) {
      this.#timer = setTimeout(() => this.#do((now) => this.#machine._tick(now)), Math.max(0, waitMs));
    }
    if (this.#machine._isReady) this.#isReady();
    if (this.#willEmit || this.#checked === _entries._version) return;
    this.#willEmit = true;
    queueMicrotask(() => {
      this.#willEmit = false;
      this.#checked = _entries._version;
      if (this.#events.of("change").length === 0 || this.list() === this.#emitted) return;
      this.#emitted = this.list();
      this.#emit("change");
    });
  }

  #perform(command: Command): void {
    switch (command.do) {
      case "read":
        return this.#follow(
          () => this.#storage.read(TABLE),
          (records, now) => this.#machine._read(records, now),
          (error, now) => this.#machine._readFailed(error, now),
        );
      case "write":
        return this.#follow(
          () => this.#storage.write(command.changes),
          (_, now) => this.#machine._written(now),
          (error, now) => this.#machine._writeFailed(error, now),
        );
      case "claim":
        return this.#owners._claim(command.owner);
      case "send":
        return this.#sendNow(command.entry);
      case "failed":
        if (command.failure.code === "expired") this.#counts.expired++;
        return this.#failed(command.entry, command.failure);
      case "damaged":
        return this.#report("storage_failed", damaged(command.record));
      case "report":
        return this.#report("storage_failed", failing(command.error), command.error);
    }
  }

  #sendNow(entry: Entry): void {
    const { channel, key, json } = entry._stored;
    const closed = () => Promise.reject(closedFor(entry));
    (this.#send ?? closed)(channel, key, json).then(
      (published) => {
        this.#do((now) => this.#machine._answered(entry, now));
        for (const { resolve } of this.#take(entry)) resolve(published);
        this.#emit("sent", { channel, key, ...published });
      },
      ({ code, message }: SeamlineError) => {
        this.#do((now) => this.#machine._refused(entry, { code, message }, now));
        // One that has failed is rejected by then.
        if (code !== "outbox_full") this.#reject(entry, { code, message });
      },
    );
  }

  #failed(entry: Entry, failure: Failure): void {
    const isAwaited = this.#reject(entry, failure);
    if (this.#events.of("failed").length > 0) this.#emit("failed", viewOf(this.#port, entry));
    else if (!isAwaited) this.#report(failure.code, failure.message);
  }

  /** Returns whether something waited for it. */
  #reject(entry: Entry, { code, message }: Failure): boolean {
    const waiters = this.#take(entry);
    for (const { reject } of waiters) reject(this.#port._error(code, message));
    return waiters.length > 0;
  }

  #take(entry: Entry): Waiter[] {
    const waiters = this.#waiters.get(entry) ?? [];
    this.#waiters.delete(entry);
    return waiters;
  }

  async #adopt(owner: string): Promise<void> {
    const records = await within(() => this.#storage.read(TABLE)).catch(() => []);
    this.#do((now) => this.#machine._adopt(owner, records, now));
  }

  #follow<T>(
    start: () => Promise<T>,
    done: (value: T, now: number) => void,
    failed: (error: unknown, now: number) => void,
  ): void {
    within(start).then(
      (value) => this.#do((now) => done(value, now)),
      (error) => this.#do((now) => failed(error, now)),
    );
  }

  #emit<E extends keyof OutboxEvents>(event: E, ...values: Parameters<OutboxEvents[E]>): void {
    for (const listener of this.#events.of(event)) {
      try {
        (listener as (...values: Parameters<OutboxEvents[E]>) => unknown)(...values);
      } catch (error) {
        this.#port._status._error(error);
      }
    }
  }

  /** Emits an error of the client. */
  #report(code: ErrorCode, message: string, cause?: unknown): void {
    this.#port._status._error(this.#port._error(code, message, cause));
  }

  /** The client is open. */
  #start(): void {
    if (this.#stopListening) return;
    const { addEventListener, removeEventListener } = globalThis as Partial<PageEvents>;
    const hide = () => this.#owners._stop();
    const show = () => {
      this.#owners._start();
      this.#do((now) => this.#machine._tick(now));
    };
    addEventListener?.("pagehide", hide);
    addEventListener?.("pageshow", show);
    this.#stopListening = () => {
      removeEventListener?.("pagehide", hide);
      removeEventListener?.("pageshow", show);
    };
    this.#owners._start();
  }

  /** The client is closed: another page may send what is left. */
  #stop(): void {
    this.#stopListening?.();
    this.#stopListening = undefined;
    this.#send = undefined;
    this.#owners._stop();
    this.#lineage._end();
    for (const entry of [...this.#waiters.keys()]) this.#reject(entry, closedFor(entry));
  }
}

function closedFor({ _stored }: Entry): Failure {
  const message = failed(_stored.channel, _stored.key, "the client is closed; the outbox keeps it for the next one");
  return { code: "closed", message };
}

/** What an application sees of a publication. */
function viewOf(port: Port, entry: Entry, before?: StoredPublication): StoredPublication {
  const { _stored, _phase } = entry;
  const { channel, key, json, at } = _stored;
  const status = _phase.name === "writing" ? "waiting" : _phase.name;
  if (before?.status === status && before.publishedAt === at) return before;
  const data = before ? before.data : JSON.parse(json);
  const view = { channel, key, data, publishedAt: at };
  if (_phase.name !== "failed") return { ...view, status: _phase.name === "sending" ? "sending" : "waiting" };
  return { ...view, status: "failed", error: port._error(_phase.failure.code, _phase.failure.message) };
}

function failing(error: unknown): string {
  const { message = String(error) } = (error ?? {}) as Partial<Error>;
  return `${message}; until it works again, publications are kept in memory and do not survive the page`;
}

function damaged({ key, value }: StorageRecord): string {
  return `removed a damaged publication: record "${key}" is ${JSON.stringify(value)?.slice(0, 200)}`;
}

/** Rejects if the storage takes too long. An adapter may also throw. */
async function within<T>(start: () => Promise<T>): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    const error = new Error(`the storage has not answered for ${STORAGE_MS_MAX} ms`);
    timer = setTimeout(reject, STORAGE_MS_MAX, error);
  });
  try {
    return await Promise.race([start(), late]);
  } finally {
    clearTimeout(timer);
  }
}
