// "Go offline, publish 1,000": a thousand messages are published behind the back of a pane that is
// held offline, and it is counted how they reach it when it comes back.
import { publishMany } from "./backend.js";
import { hold, release } from "./sockets.js";
import { number } from "./words.js";

export const BURST = 1000;

export class Burst {
  #pane;
  #channel;
  #refs;
  #note;
  /** Names the messages of this burst. */
  #name;
  #came = { live: 0, replayed: 0 };
  #running = false;

  constructor(pane, channel, refs, note) {
    this.#pane = pane;
    this.#channel = channel;
    this.#refs = refs;
    this.#note = note;
  }

  async run() {
    if (this.#running) return;
    this.#begin();
    try {
      await publishMany(this.#channel, BURST, (i) => this.#data(i), {
        onProgress: (done) => this.#progress(done),
        onRetry: () => this.#note("The server does not answer; the page tries again."),
      });
      this.#note(`Back online; ${number(BURST)} messages are waiting in the log.`);
    } catch (error) {
      this.#note(`Publishing failed: ${error.message}.`);
    } finally {
      this.#end();
    }
  }

  #begin() {
    this.#running = true;
    this.#name = crypto.getRandomValues(new Uint32Array(2)).join("-");
    this.#came = { live: 0, replayed: 0 };
    this.#refs.burst.disabled = true;
    this.#refs.progress.hidden = false;
    this.#refs.progress.max = BURST;
    this.#progress(0);
    hold(this.#pane);
  }

  #end() {
    this.#running = false;
    this.#refs.burst.disabled = false;
    this.#refs.progress.hidden = true;
    release(this.#pane);
  }

  #data(i) {
    return {
      from: "Backend",
      text: `${number(i + 1)} of ${number(BURST)} while ${this.#pane} is away`,
      burst: this.#name,
    };
  }

  #progress(done) {
    // Not at every message: each change is painted, and the note is announced.
    if (done % 20 === 0) this.#refs.progress.value = done;
    if (done % 250 === 0) this.#note(`Offline; ${number(done)} of ${number(BURST)} published meanwhile.`);
  }

  /** The pane's replay has met the live stream: what has not come now was trimmed, or is on its way. */
  live() {
    const { live, replayed } = this.#came;
    if (this.#name && !this.#running && !this.#all())
      this.#note(`${number(live + replayed)} of ${number(BURST)} have come.`);
  }

  #all() {
    return this.#came.live + this.#came.replayed === BURST;
  }

  /** A message came to the pane. */
  message({ data, replayed }) {
    if (!this.#name || data?.burst !== this.#name) return;
    this.#came[replayed ? "replayed" : "live"]++;
    const { live, replayed: old } = this.#came;
    if (this.#all()) this.#note(`All ${number(BURST)} have come: ${number(old)} replayed, ${number(live)} live.`);
  }
}
