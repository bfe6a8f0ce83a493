import type { HubName } from "./messages.js";
import type { World } from "./platform.js";

/** What the watch needs to know of its tab. */
export interface WatchedTab {
  hub(): HubName | undefined;
  /** Whether the tab takes part, and does not have the hub itself. */
  mayReplace(): boolean;
  /** Whether one of its sockets depends on the hub. */
  needsHub(): boolean;
}

/** What is known of a silent hub. */
type Silence =
  | { readonly name: "none" }
  /** A ping has no answer. */
  | { readonly name: "pinged" }
  /** This tab has announced that it replaces the hub. */
  | { readonly name: "claimed" };

/** A hub that is silent for this long is pinged. Hidden pages are late: they run timers once a second, or a minute. */
const QUIET_MS = 300;
/** How long a hub may leave a ping without an answer. A busy leader is not replaced for less. */
const SILENT_MS = 300;
/** How long the claims of other tabs are waited for. Also gives messages that wait in this tab a turn. */
const CLAIM_MS = 40;
/** How long a claim of another tab counts. */
const CLAIMED_MS = 600;

/**
 * Finds out whether the hub of a tab is alive, and replaces one that is silent. A tab that freezes keeps its lock, so the
 * lock does not show that.
 */
export class HubWatch {
  #silence: Silence = { name: "none" };
  #heardAt = 0;
  #claimedAt = -Infinity;
  #stopTimer: (() => void) | undefined;

  constructor(
    private readonly world: World,
    private readonly tab: WatchedTab,
  ) {}

  /** The hub has sent something, or another hub is there. */
  heard(): void {
    this.#heardAt = this.world.now();
    this.#silence = { name: "none" };
  }

  /** Checks the hub, while a socket needs it. */
  start(): void {
    this.stop();
    if (!this.tab.mayReplace() || !this.tab.needsHub()) return;
    const quietMs = Math.max(0, this.#heardAt + QUIET_MS - this.world.now());
    this.#stopTimer = this.world.after(this.#silence.name === "none" ? quietMs : SILENT_MS, () => {
      this.#check();
      this.start();
    });
  }

  stop(): void {
    this.#stopTimer?.();
    this.#stopTimer = undefined;
  }

  /** Another tab finds the hub silent. Of several, a visible one replaces it, and of those the one with the lowest name. */
  claimed(by: string, isHidden: boolean): void {
    const own = this.world.isHidden();
    if (isHidden === own ? by < this.world.tab : own) this.#claimedAt = this.world.now();
  }

  #check(): void {
    if (this.#silence.name === "claimed" || this.world.now() - this.#heardAt < QUIET_MS) return;
    if (this.#silence.name === "pinged") return this.#claim();
    const hub = this.tab.hub();
    if (hub) this.world.post(hub.tab, { type: "ping", term: hub.term });
    else this.world.post(undefined, { type: "who" });
    this.#silence = { name: "pinged" };
  }

  #claim(): void {
    this.#silence = { name: "claimed" };
    this.world.post(undefined, { type: "claim", isHidden: this.world.isHidden() });
    this.world.after(CLAIM_MS, () => {
      if (this.#silence.name !== "claimed" || !this.tab.mayReplace()) return;
      this.heard();
      if (this.#heardAt - this.#claimedAt >= CLAIMED_MS) this.world.elect(true);
    });
  }
}
