import type { ChannelPort } from "../channel.js";
import type { Transaction } from "../transaction.js";
import type { ChannelOptions, Message, Position, StateSource } from "../types.js";
import { sameVersion } from "../version.js";
import { explained, owned, positionMoved, transactionStalled } from "./failure.js";
import type { AnyChannel, AnyDispatcher } from "./handle.js";
import { Ledger, type Plan } from "./ledger.js";
import { refused, runListener } from "./listeners.js";
import { positionOf } from "./position.js";
import { run } from "./run.js";
import { beginAfter } from "./start.js";
import type { TransactionAdapter } from "./types.js";
import { later, pauseMs } from "./wait.js";

/** After this long, a transaction that has not ended is reported: the channel would wait in silence. */
const STALLED_MS = 30_000;

/** What a transaction has read, and what it does. */
interface Done {
  readonly _stored: Position | undefined;
  readonly _plan: Exclude<Plan, "moved">;
}

/** The option `transaction` of a channel, for a database. */
export function transactionOf<X>(adapter: TransactionAdapter<X>, key?: string): Transaction<X> {
  return {
    kind: "transaction",
    seamline: sameVersion("transaction"),
    _attach: (channel, { from = "start", redeliver }) => {
      const handle = channel._dispatcher;
      if (isState(from)) throw refused(channel, "begin `from` a state", "store the state by yourself");
      const committer = new Committer(adapter, channel, key ?? channel.name);
      handle._attempts = redeliver?.attempts ?? Number.POSITIVE_INFINITY;
      committer._growsPause = redeliver === undefined;
      beginAfter(channel, async () => (await committer._begin()) ?? from);
      runListener(channel, (messages, call) => committer._run(messages, call));
    },
  };
}

/** Runs the listener of one handle in transactions. */
class Committer<X> {
  /** Whether the pause before a repetition grows. If not, the application chose it. */
  _growsPause = true;
  #adapter: TransactionAdapter<X>;
  #port: ChannelPort;
  #handle: AnyDispatcher;
  #key: string;
  #ledger = new Ledger();
  /** In a row. */
  #failures = 0;

  constructor(adapter: TransactionAdapter<X>, { _port, _dispatcher }: AnyChannel, key: string) {
    this.#adapter = adapter;
    this.#port = _port;
    this.#handle = _dispatcher;
    this.#key = key;
  }

  /** Reads the position to begin after. */
  async _begin(): Promise<Position | undefined> {
    let stored: Position | undefined;
    await this.#transact(async (tx) => void (stored = await this.#read(tx)));
    this.#ledger.begin(stored);
    return stored;
  }

  /** Calls the listener with the messages that the database does not have yet, and stores their position. */
  async _run(
    messages: readonly Message[],
    call: (messages: readonly Message[], transaction: X) => unknown,
  ): Promise<void> {
    const before = this.#handle._position!; // known, because messages have arrived
    const positionId = positionIdOf(this.#handle, messages.at(-1)!);
    let done: Done | undefined;
    await this.#transact(async (tx) => {
      const _stored = await this.#read(tx);
      const _plan = this.#ledger.plan(_stored, before, messages, positionId);
      if (_plan === "moved") throw positionMoved(this.#handle._name, _stored, before);
      done = { _stored, _plan };
      if (_plan.skip === messages.length) return;
      // First: a listener may commit the transaction itself.
      await this.#adapter.write(tx, this.#key, _plan.position);
      await call(messages.slice(_plan.skip), tx);
    });
    if (done) this.#ledger.committed(done._plan, done._stored, messages.length);
  }

  async #read(transaction: X): Promise<Position | undefined> {
    return positionOf(await this.#adapter.read(transaction, this.#key), this.#handle._name);
  }

  /** The handle waits longer after each failure. */
  async #transact(body: (transaction: X) => Promise<void>): Promise<void> {
    const { _name } = this.#handle;
    const stalled = () =>
      this.#handle._ended || this.#handle._error(owned(this.#port, transactionStalled(_name, STALLED_MS)));
    const stop = later(STALLED_MS, stalled);
    try {
      await run(this.#adapter, body);
      this.#failures = 0;
    } catch (error) {
      this.#failures++;
      if (this._growsPause) this.#handle._delayMs = pauseMs(this.#failures);
      throw owned(this.#port, explained(_name, error));
    } finally {
      stop();
    }
  }
}

function isState(from: ChannelOptions["from"]): from is StateSource {
  return (from as Partial<StateSource> | undefined)?.kind === "state";
}

/** In the plain dialect, the id from which a server can resume is not always the last message's. */
function positionIdOf({ _queue }: AnyDispatcher, { offset }: Message): string | undefined {
  for (const entry of _queue) {
    if (typeof entry === "object" && entry._frame.n + entry._frame.ids.length > offset) return entry._positionId;
  }
}
