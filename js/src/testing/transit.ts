/** How many steps are made in microtasks before the event loop has a turn, so that endless traffic cannot block it. */
const STEPS_MAX = 1000;

/**
 * What is in transit between clients and the server: steps that are made one after the other, each in a microtask. The
 * order is the same in each run. A promise makes the microtasks, because fake timers may replace `queueMicrotask`.
 */
export class Transit {
  #steps: (() => void)[] = [];
  #running = false;
  #made = 0;
  /** While paused: what the steps wait for. */
  #pause: { over: Promise<void>; end: () => void } | undefined;

  add(step: () => void): void {
    this.#steps.push(step);
    if (!this.#running) void this.#run();
  }

  pause(): void {
    let end = () => {};
    const over = new Promise<void>((resolve) => (end = resolve));
    this.#pause ??= { over, end };
  }

  resume(): void {
    this.#pause?.end();
    this.#pause = undefined;
  }

  /** Waits until nothing moves for a turn of the event loop. */
  async settled(): Promise<void> {
    let before: number;
    do {
      before = this.#made;
      await turn();
    } while (before !== this.#made || (this.#running && !this.#pause));
  }

  async #run(): Promise<void> {
    this.#running = true;
    while (this.#steps.length > 0) {
      await (++this.#made % STEPS_MAX === 0 ? turn() : undefined);
      while (this.#pause) await this.#pause.over;
      attempt(this.#steps.shift()!);
    }
    this.#running = false;
  }
}

/** A listener that throws does not stop what is in transit. It is reported as an unhandled rejection. */
function attempt(step: () => void): void {
  try {
    step();
  } catch (error) {
    void Promise.reject(error);
  }
}

// Taken when the module is loaded, before fake timers are installed.
const { MessageChannel: Channel, setTimeout: later } = globalThis;

/** A turn of the event loop. Fake timers do not replace `MessageChannel`; jsdom does not have it. */
function turn(): Promise<void> {
  return new Promise((resolve) => {
    if (!Channel) return void later(resolve, 0);
    const { port1, port2 } = new Channel();
    port1.onmessage = () => {
      port1.close();
      resolve();
    };
    port2.postMessage(undefined);
  });
}
