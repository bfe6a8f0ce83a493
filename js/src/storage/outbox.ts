import type { ErrorCode } from "../codes.js";
import { Emitter } from "../emitter.js";
import { invalid, type SeamlineError } from "../error.js";
import { failed, type Joins, type Promised, type Publications } from "../publications.js";
import { randomName } from "../random.js";
import { bytes } from "../text.js";
import type { Outbox, OutboxEvents, OutboxStats, Published, StoredPublication } from "../types.js";
import type { Command } from "./commands.js";
import type { Entry, Limits } from "./entries.js";
import { Machine } from "./machine.js";
import { Owners } from "./owners.js";
import { onPage } from "./page-events.js";
import type { Port } from "./port.js";
import { readRecords } from "./reading.js";
import { type Failure, TABLE } from "./record.js";
import { closedFor, damaged, failing } from "./reports.js";
import { type Tab, tabOf } from "./tab.js";
import type { Storage } from "./types.js";
import { Views, viewOf } from "./views.js";
import { Waiters } from "./waiters.js";
import { within } from "./within.js";

/** Engines store a timer's delay as a signed 32-bit integer. */
const TIMER_MS_MAX = 2 ** 31 - 1;
/** The longest idempotency key. */
const KEY_BYTES_MAX = 200;

/** Sends a publication until the server has answered, or the connection ends. */
type Send = (channel: string, key: string, json: string) => Promise<Published>;

/** The outbox of a client: does what the machine decides. */
export class DurableOutbox implements Outbox, Joins {
  #port: Port;
  #storage: Storage;
  #machine: Machine;
  /** Set while the client has a connection. */
  #send: Send | undefined;
  #owners: Owners;
  #tab: Tab;
  #events = new Emitter<OutboxEvents>("change", "sent", "failed");
  #waiters = new Waiters();
  #views: Views;
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
    this.#views = new Views(port);
    this.#storage = storage;
    this.#ready = new Promise((resolve) => (this.#isReady = resolve));
    this.#owners = new Owners(name, owner, {
      _lives: (other) => this.#do((now) => this.#machine._lives(other, now)),
      _adopt: (other) => this.#adopt(other),
    });
    this.#tab = tabOf(name, owner);
    const { _name: _tab } = this.#tab;
    this.#machine = new Machine({ ...limits, _owner: owner, _tab, _clientMax: port._clientMax });
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
    return this.#views._list(this.#machine._entries);
  }

  on<E extends keyof OutboxEvents>(event: E, listener: OutboxEvents[E]): () => void {
    return this.#events.on(event, listener);
  }

  stats(): OutboxStats {
    const { _count, _bytes } = this.#machine._entries;
    return { messages: _count, bytes: _bytes, ...this.#counts };
  }

  async retry(publication: { channel: string; key: string }): Promise<Published> {
    const entry = this.#find(publication);
    if (!entry) {
      const { channel, key } = publication;
      const message = `the outbox has no publication "${key}" to channel "${channel}": it was sent or discarded`;
      throw this.#port._error("discarded", message);
    }
    const answer = this.#waiters._wait(entry);
    this.#do((now) => this.#machine._retry(entry, now));
    return answer;
  }

  discard(publication: { channel: string; key: string }): boolean {
    const entry = this.#find(publication);
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
    if (!("code" in entry)) return this.#waiters._wait(entry);
    this.#counts.full++;
    return refuse(entry.code, entry.message);
  }

  #find(publication: { channel: string; key: string }): Entry | undefined {
    const { channel, key } = (publication ?? {}) as Partial<Record<string, unknown>>;
    if (typeof channel === "string" && typeof key === "string") return this.#machine._entries._find(channel, key);
    const { message } = invalid("bad_option", "publication", publication, "pass one of list(), or { channel, key }");
    throw this.#port._error("bad_option", message);
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
          () => readRecords(this.#storage, TABLE),
          (records, now) => this.#machine._read(records, now),
          (error, now) => this.#machine._readFailed(error, now),
        );
      case "write":
        return this.#follow(
          () => within(() => this.#storage.write(command.changes)),
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
        this.#waiters._resolve(entry, published);
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
    return this.#waiters._reject(entry, () => this.#port._error(code, message));
  }

  async #adopt(owner: string): Promise<void> {
    const records = await readRecords(this.#storage, TABLE).catch(() => []);
    this.#do((now) => this.#machine._adopt(owner, records, now));
  }

  #follow<T>(
    start: () => Promise<T>,
    done: (value: T, now: number) => void,
    failed: (error: unknown, now: number) => void,
  ): void {
    start().then(
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
    const hide = () => this.#owners._stop();
    const show = () => {
      this.#owners._start();
      this.#do((now) => this.#machine._tick(now));
    };
    this.#stopListening = onPage(hide, show);
    this.#owners._start();
  }

  /** The client is closed: another page may send what is left. */
  #stop(): void {
    this.#stopListening?.();
    this.#stopListening = undefined;
    this.#send = undefined;
    this.#owners._stop();
    this.#tab._end();
    for (const entry of this.#waiters._entries) this.#reject(entry, closedFor(entry));
  }
}
