import { DocumentFollower } from "./documents.mjs";
import { EffectFollower } from "./effects.mjs";
import { Follower } from "./follow.mjs";
import { Past } from "./past.mjs";
import { STATE } from "./trace.mjs";

/** What an application does in one page: it follows channels and publishes. */
export class App {
  handles = [];
  pasts = [];
  client;
  /** When the state of its connection last changed. */
  changedAt = 0;

  constructor(page) {
    Object.assign(this, { page, world: page.world, tab: page.tab });
  }

  get rng() {
    return this.world.stage.rng;
  }

  start() {
    const { page, world, tab } = this;
    const { connect } = page.package.slim;
    this.client = connect("wss://server.test/v1", this.#options());
    this.client.on("state", (state) => {
      this.changedAt = world.stage.now;
      world.stage.note(STATE, page.name, `state ${state.name}${state.reason ? ` (${state.reason.code})` : ""}`);
      if (state.name === "closed") world.stage.fail(`${page.name} closed by itself: ${state.reason.message}`);
    });
    this.client.on("error", (error) => {
      // What an earlier page has published may fail in this one.
      const isStorage = error.code === "storage_failed" && !world.isStorageReliable;
      const isExpected = isStorage || (tab.hasStorage && error.code === "forbidden");
      if (!isExpected) world.stage.fail(`${page.name}: ${error?.stack ?? error}`);
    });
    const Kind = { effects: EffectFollower, state: DocumentFollower, plain: Follower }[tab.kind];
    this.handles = world.channels.map((ch) => new Kind(this, ch));
    this.pasts = this.handles.map((handle) => new Past(this, handle));
    if (this.rng.chance(500)) this.publish(); // before anything is known of what earlier pages have left
    this.#publishLater();
  }

  #options() {
    const { page, tab } = this;
    const { queue_messages, replay_credit } = this.world.faults;
    const storage = tab.hasStorage && page.package.storage?.custom("store", tab.profile.store.of(page));
    return {
      wasm: page.wasm,
      ...(tab.isShared ? { shared: page.package.tabs.tabs() } : /server|own/.test(tab.start) && { clientId: tab.name }),
      ...(storage && { storage }),
      ...(tab.start === "package" && { positions: this.#positions() }),
      queueMessages: queue_messages,
      replayCredit: replay_credit,
    };
  }

  #positions() {
    const { page, tab } = this;
    return page.package.effects.storedPositions(tab.profile.positions.of(page), { name: tab.name });
  }

  #publishLater() {
    const { page, world } = this;
    const wait = this.rng.between(1, 2 * world.faults.publish_every_ms);
    world.stage.after(wait, () =>
      page.enter(() => {
        if (!world.isWriting) return;
        this.publish();
        this.#publishLater();
      }),
    );
  }

  publish() {
    const { page, world, tab } = this;
    const { ch, channel } = this.rng.pick(this.handles);
    const owner = tab.isOrdered ? tab.line : page.name;
    const text = world.publishers.next(owner, ch);
    world.stage.note(STATE, page.name, `publishes ${text} to ${ch}`);
    page.step("publish", () => world.publishers.follow(page, ch, text, channel.publish(text)));
  }

  /** The payloads of publications that the outbox lists as failed. */
  get failed() {
    const list = this.client?.outbox?.list() ?? [];
    return list.filter(({ status }) => status === "failed").map(({ data }) => data);
  }

  /** What is not as it must be when nothing is wrong any more. */
  unwell() {
    const { page, client, handles } = this;
    if (client?.state.name !== "open") return `${page.name} is not connected but ${client?.state.name}`;
    const [waiting] = client.outbox?.list().filter(({ status }) => status !== "failed") ?? [];
    if (waiting) return `the outbox of ${page.name} still has ${waiting.data}, which is ${waiting.status}`;
    for (const part of [...handles, ...this.pasts]) {
      const what = part.unwell();
      if (what) return what;
    }
    return undefined;
  }
}
