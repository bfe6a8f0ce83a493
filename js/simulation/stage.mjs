import { Rng } from "./rng.mjs";
import { BROKEN, Trace } from "./trace.mjs";

/** The time of day at which every run begins. */
const EPOCH_MS = Date.UTC(2026, 0, 1);
/** A run with more events than this is a storm. */
const EVENTS_MAX = 400_000;
/** So many events at one moment are a loop without a pause. */
const EVENTS_AT_ONCE_MAX = 5_000;

/** A turn of Node's event loop: every microtask of the last event has run. */
const turn = () => new Promise((resolve) => setImmediate(resolve));

/** What all actors share: the virtual clock, the queue of events, the randomness, the trace. */
export class Stage {
  now = 0;
  events = 0;
  /** The first promise that was broken. */
  broken;
  #queue = new Queue();
  #scheduled = 0;
  #atOnce = 0;

  constructor(seed, isReadable) {
    this.rng = new Rng(seed);
    this.trace = new Trace(isReadable);
  }

  /** What `Date.now()` is. */
  get date() {
    return EPOCH_MS + this.now;
  }

  /** Schedules an event. What is due at the same moment happens in the order of scheduling. Returns a function that cancels it. */
  after(ms, run) {
    const event = { at: this.now + Math.max(0, ms), order: ++this.#scheduled, run };
    this.#queue.push(event);
    return () => (event.run = undefined);
  }

  /** Runs every event that is due by then, and the microtasks of each. */
  async playUntil(until) {
    while (!this.broken && this.#queue.first && this.#queue.first.at <= until) {
      const { at, run } = this.#queue.pop();
      if (!run) continue;
      this.#atOnce = at === this.now ? this.#atOnce + 1 : 0;
      this.now = at;
      this.events++;
      run();
      await turn();
      if (this.#atOnce > EVENTS_AT_ONCE_MAX) this.fail(`${this.#atOnce} events at one moment: a loop without a pause`);
      if (this.events > EVENTS_MAX) this.fail(`${this.events} events: a storm`);
    }
    this.now = Math.max(this.now, until);
  }

  note(flag, who, what) {
    this.trace.note(this.now, flag, who, what);
  }

  /** A promise is broken. Only the first one counts: others may follow from it. */
  fail(what) {
    if (this.broken) return;
    this.broken = what;
    this.note(BROKEN, "", what);
  }

  check(holds, what) {
    if (!holds) this.fail(what());
  }
}

/** A binary heap of events, by time and then by order. */
class Queue {
  #heap = [];

  get first() {
    return this.#heap[0];
  }

  push(event) {
    const heap = this.#heap;
    let at = heap.push(event) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!isBefore(event, heap[parent])) break;
      heap[at] = heap[parent];
      at = parent;
    }
    heap[at] = event;
  }

  pop() {
    const heap = this.#heap;
    const first = heap[0];
    const last = heap.pop();
    if (heap.length === 0) return first;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && isBefore(heap[child + 1], heap[child])) child++;
      if (!isBefore(heap[child], last)) break;
      heap[at] = heap[child];
      at = child;
    }
    heap[at] = last;
    return first;
  }
}

const isBefore = (a, b) => a.at < b.at || (a.at === b.at && a.order < b.order);
