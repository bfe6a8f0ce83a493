import { heal } from "./faults.mjs";
import { injectFaults } from "./inject.mjs";
import { STATE } from "./trace.mjs";
import { World } from "./world.mjs";

/** How long applications publish after the faults. */
const WRITING_MS = 10_000;
/** Within this time all must be well. It is longer than any freeze, backoff or heartbeat. */
const RECOVERY_MS = 180_000;
const LOOK_EVERY_MS = 1_000;
/** What an idle page may still do, such as a ping and its answer. */
const QUIET_MS = 60_000;
const EVENTS_AT_REST_MAX = 60;
/** Tabs that share a connection check every 200 ms that the one that has it is alive. */
const EVENTS_SHARED_MAX = 2_000;

/** One seed, from the first page to the last check: faults, recovery, a quiet minute, the end. */
export class Run {
  constructor(parts, seed, faults, isReadable = false) {
    this.world = new World(parts, seed, faults, isReadable);
  }

  /** Runs everything. A broken promise is in `broken`. */
  async play() {
    for (const part of [this.#suffer, this.#recover, this.#rest, this.#end]) {
      if (!this.broken) await part.call(this);
    }
    return this;
  }

  get broken() {
    return this.world.stage.broken;
  }

  async #suffer() {
    const { world } = this;
    for (const tab of world.tabs) world.stage.after(0, () => tab.load());
    for (const ch of world.channels) this.#appendLater(ch);
    injectFaults(world);
    world.sharing.watch();
    await world.stage.playUntil(world.faults.faults_ms);
  }

  /** Another client publishes. */
  #appendLater(ch) {
    const { world } = this;
    const { stage, faults } = world;
    stage.after(stage.rng.between(1, 2 * faults.append_every_ms), () => {
      if (!world.isWriting) return;
      world.server.append(ch, world.publishers.next("other", ch));
      this.#appendLater(ch);
    });
  }

  async #recover() {
    const { world } = this;
    const { stage } = world;
    stage.note(STATE, "", "all is healed");
    world.isHealed = true;
    heal(world.faults);
    world.server.restart();
    for (const { page } of world.tabs) {
      page.thaw();
      page.hide(false);
    }
    await stage.playUntil(stage.now + WRITING_MS);
    world.isWriting = false;
    const until = stage.now + RECOVERY_MS + this.#replayMs();
    for (let what = this.#unwell(); what && !this.broken; what = this.#unwell()) {
      stage.check(stage.now < until, () => `after all is healed, ${what}`);
      await stage.playUntil(stage.now + LOOK_EVERY_MS);
    }
  }

  /** How long the longest replay may take, by the credit that bounds it: a round trip for each page of it. */
  #replayMs() {
    const { journal, channels, faults } = this.world;
    const messages = channels.reduce((sum, ch) => sum + journal.end(ch).offset, 0);
    return (
      (messages / Math.ceil(Math.min(faults.replay_credit, faults.queue_messages) / 2)) * 2 * faults.latency_ms_max
    );
  }

  /** Every page stays as it is, and does nothing unnecessary. */
  async #rest() {
    const { world } = this;
    const { stage } = world;
    await stage.playUntil(stage.now + QUIET_MS);
    const { events, now } = stage;
    await stage.playUntil(stage.now + QUIET_MS);
    const made = stage.events - events;
    const max = world.tabs.reduce((sum, { isShared }) => sum + (isShared ? EVENTS_SHARED_MAX : EVENTS_AT_REST_MAX), 0);
    stage.check(made <= max, () => `${made} events in a quiet minute`);
    const restless = world.tabs.find(({ app }) => app.changedAt > now);
    stage.check(!restless, () => `the connection of ${restless.name} changed in a quiet minute`);
    const what = this.#unwell();
    stage.check(!what, () => `after a quiet minute, ${what}`);
  }

  async #end() {
    const { world } = this;
    for (const tab of world.tabs) tab.close();
    await world.stage.playUntil(world.stage.now + QUIET_MS);
  }

  /** What a storage still has although no page waits for it. */
  #left() {
    const { profiles, drawn } = this.world;
    // What took effect after everyone had given up on it may stay until a page is loaded.
    if (drawn.store_hangs > 0) return undefined;
    const [left] = profiles.flatMap(({ store }) => store.waiting());
    return left && `the storage still has ${JSON.stringify(left.value)}`;
  }

  /** What is wrong although there are no faults. */
  #unwell() {
    const { tabs, publishers, sharing } = this.world;
    const [unsettled] = publishers.unsettled();
    if (unsettled) return `${unsettled.page.name} has no answer for ${unsettled.text}`;
    const left = this.#left();
    if (left) return left;
    const [lost] = publishers.lost();
    if (lost) return `${lost.text} was stored, and is neither in the log nor reported`;
    const pages = tabs.map(({ page, app }) => (page.isAlive ? app.unwell() : `${page.name} is gone`));
    return pages.find(Boolean) ?? sharing.unwell();
  }
}
