import { complete, draw } from "./faults.mjs";
import { Journal } from "./journal.mjs";
import { Network } from "./network.mjs";
import { Publishers } from "./publishers.mjs";
import { Server } from "./server.mjs";
import { Sharing } from "./sharing.mjs";
import { Stage } from "./stage.mjs";
import { Profile, Tab } from "./tab.mjs";

/** Everything of one run: the stage, the network, the server, and browsers with tabs. */
export class World {
  isHealed = false;
  /** Whether applications still publish. */
  isWriting = true;
  /** How often things happened that a run is about, by name. */
  counts = {};

  /** With these faults, or else with those that the seed draws. */
  constructor(parts, seed, faults, isReadable) {
    this.parts = parts;
    this.stage = new Stage(seed, isReadable);
    const drawn = draw(this.stage.rng);
    /** As the run begins; `faults` end when all is healed. */
    this.drawn = faults ? complete(faults) : drawn;
    this.faults = { ...this.drawn };
    this.journal = new Journal(this.stage);
    this.publishers = new Publishers(this);
    this.network = new Network(this.stage, this.faults);
    this.server = this.network.server = new Server(this);
    this.channels = ["a", "b"].slice(0, this.faults.channels);
    for (const ch of this.channels) this.server.backend.log(ch);
    this.sharing = new Sharing(this);
    const profile = new Profile(this, "p");
    this.profiles = [profile];
    for (let i = 1; i <= this.faults.tabs; i++) {
      const tab = new Tab(this, profile, i);
      tab.kind = this.#kind();
      tab.isShared = this.faults.shared === 1 && parts.entries.has("tabs");
      tab.start = this.#start();
      tab.hasStorage = this.stage.rng.chance(this.faults.has_storage) && parts.entries.has("storage");
    }
  }

  count(what) {
    this.counts[what] = (this.counts[what] ?? 0) + 1;
  }

  #kind() {
    const { faults, stage, parts } = this;
    const isEffects = stage.rng.chance(faults.effects) && parts.entries.has("effects");
    const isState = stage.rng.chance(faults.state) && parts.entries.has("state");
    return isState ? "state" : isEffects ? "effects" : "plain";
  }

  #start() {
    const { faults, stage, parts } = this;
    if (stage.rng.chance(faults.tail)) return "tail";
    if (stage.rng.chance(faults.package_positions) && parts.entries.has("effects")) return "package";
    return stage.rng.chance(faults.stores_positions) ? "own" : "server";
  }

  /** Storages only take time, and lose nothing. */
  get isStorageReliable() {
    const { store_fails, store_lies, store_hangs, store_refused, store_damage } = this.drawn;
    return store_fails + store_lies + store_hangs + store_refused + store_damage === 0;
  }

  /** What is older than this is not on its way any more: a handle that begins at the end of the log does not get it. */
  get tail() {
    const { stall, freeze, latency_ms_max } = this.drawn;
    return this.stage.now - 4 * latency_ms_max - (stall > 0 ? 20_000 : 0) - (freeze > 0 ? 45_000 : 0);
  }

  /** Connections last, and can be made. */
  get isNetworkSound() {
    const { cut, half_open, stall, connect_refused, crash, drain, append_then_cut } = this.drawn;
    return cut + half_open + stall + connect_refused + crash + drain + append_then_cut === 0;
  }

  get tabs() {
    return this.profiles.flatMap(({ tabs }) => tabs);
  }
}
