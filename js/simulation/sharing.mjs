/** How often tabs that share a connection are looked at. */
const EVERY_MS = 250;
/** How long two tabs may have a connection: one that was frozen learns a moment later that it was replaced. */
const TWO_MS_MAX = 3_000;
/** How long no tab may have one, if the network and the server are sound: until a silent tab is replaced, and a margin. */
const NONE_MS_MAX = 3_000;

/** Checks that tabs that share a connection have one, and not two, while pages crash and freeze. */
export class Sharing {
  #twoSince;
  #noneSince;

  constructor(world) {
    this.world = world;
  }

  /** Begins to check, until all is healed. */
  watch() {
    const { world } = this;
    if (!world.tabs.some(({ isShared }) => isShared)) return;
    const again = () => {
      if (world.isHealed) return;
      this.#look();
      world.stage.after(EVERY_MS, again);
    };
    world.stage.after(EVERY_MS, again);
  }

  #look() {
    const { stage, tabs, isNetworkSound } = this.world;
    const { now } = stage;
    const open = this.#connections((conn) => conn.readyState === 1);
    this.#twoSince = open.length > 1 ? (this.#twoSince ?? now) : undefined;
    const names = open.map(({ name, page }) => `${page.name} (${name})`).join(" and ");
    stage.check(now - (this.#twoSince ?? now) <= TWO_MS_MAX, () => `${names} have a connection each`);
    if (!isNetworkSound) return;
    const isAwake = tabs.some(({ page }) => page?.isAlive && !page.isFrozen && !page.isHidden);
    const isNone = isAwake && this.#connections(() => true).length === 0;
    this.#noneSince = isNone ? (this.#noneSince ?? now) : undefined;
    stage.check(now - (this.#noneSince ?? now) <= NONE_MS_MAX, () => `no tab connects for ${NONE_MS_MAX} ms`);
  }

  /** The connections of tabs that are not frozen. */
  #connections(is) {
    return [...this.world.network.conns].filter((conn) => {
      const { page } = conn;
      return page.isAlive && !page.isFrozen && page.tab.isShared && is(conn);
    });
  }

  /** What is wrong when nothing is wrong any more. */
  unwell() {
    if (!this.world.tabs.some(({ isShared }) => isShared)) return undefined;
    const { length } = this.#connections((conn) => conn.readyState === 1);
    return length === 1 ? undefined : `the tabs share ${length} connections`;
  }
}
