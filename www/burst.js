// "Go offline, publish 1,000": publishes a thousand messages while a pane is held offline, and counts how they
// reach it when it is back.
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
  #arrived = { live: 0, replayed: 0 };
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
        onRetry: () => this.#note("The server does not answer. Retrying."),
      });
      this.#note(`Back online. ${number(BURST)} messages are waiting in the log.`);
    } catch (error) {
      this.#note(`Publishing failed: ${error.message}.`);
    } finally {
      this.#end();
    }
  }

  #begin() {
    this.#running = true;
    this.#name = crypto.getRandomValues(new Uint32Array(2)).join("-");
    this.#arrived = { live: 0, replayed: 0 };
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
      text: `${number(i + 1)} of ${number(BURST)} while ${this.#pane} is offline`,
      burst: this.#name,
    };
  }

  #progress(done) {
    // Not for every message: each change is painted, and the note is announced to screen readers.
    if (done % 20 === 0) this.#refs.progress.value = done;
    if (done % 250 === 0) this.#note(`Offline. ${number(done)} of ${number(BURST)} published.`);
  }

  /** The pane's replay has met the live stream: what is still missing was trimmed, or is on its way. */
  live() {
    const { live, replayed } = this.#arrived;
    if (this.#name && !this.#running && !this.#all())
      this.#note(`${number(live + replayed)} of ${number(BURST)} arrived.`);
  }

  #all() {
    return this.#arrived.live + this.#arrived.replayed === BURST;
  }

  /** A message arrived in the pane. */
  message({ data, replayed }) {
    if (!this.#name || data?.burst !== this.#name) return;
    this.#arrived[replayed ? "replayed" : "live"]++;
    const { live, replayed: old } = this.#arrived;
    if (this.#all()) this.#note(`All ${number(BURST)} arrived: ${number(old)} replayed, ${number(live)} live.`);
  }
}
