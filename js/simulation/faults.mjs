/** Off in half of the worlds. */
const rate = (rng, max) => (rng.chance(500) ? 0 : rng.between(1, max));

/**
 * The faults of a world and their rates, in thousandths of what the comment names. Each seed draws its own. Many are 0,
 * so some worlds have few kinds of faults and others have all of them. A world without faults has the values of CALM.
 */
export function draw(rng) {
  // In half of the worlds, storages are reliable, and more is promised.
  const isOdd = rng.below(2);
  // In some, the network and the server are sound, and a connection is expected at any time.
  const isShaky = rng.pick([0, 1, 1]);
  return {
    // The world's size.
    tabs: rng.between(1, 4),
    // Whether the tabs share a connection.
    shared: rng.pick([0, 0, 1, 1]),
    channels: rng.between(1, 2),
    faults_ms: rng.between(3_000, 30_000),
    publish_every_ms: rng.pick([100, 500, 2_000]),
    append_every_ms: rng.pick([100, 500, 3_000]),
    replay_credit: rng.pick([1, 5, 20, 2_000]),
    queue_messages: rng.pick([3, 30, 10_000]),
    latency_ms_max: rng.pick([1, 20, 200]),
    // How often a page reads messages of the past; 0 if never.
    history_every_ms: rng.pick([0, 0, 500, 3_000]),
    // How often it opens or closes a second handle of a channel; 0 if never.
    late_every_ms: rng.pick([0, 0, 0, 300, 3_000]),

    // The network. Of half seconds and connections:
    cut: rate(rng, 150) * isShaky,
    half_open: rate(rng, 30) * isShaky,
    stall: rate(rng, 50) * isShaky,
    // Of attempts to connect:
    connect_refused: rate(rng, 400) * isShaky,

    // The server. Of half seconds:
    crash: rate(rng, 40) * isShaky,
    drain: rate(rng, 20) * isShaky,
    // Of half seconds and channels:
    trim: rate(rng, 60),
    rewind: rate(rng, 20),
    replace: rate(rng, 20),
    // Of publications:
    nack_for_now: rate(rng, 150),
    nack_for_good: rate(rng, 60),
    append_then_cut: rate(rng, 60) * isShaky,

    // The pages. Of half seconds and tabs:
    page_crash: rate(rng, 60),
    leave: rate(rng, 60),
    freeze: rate(rng, 40),
    hide: rate(rng, 60),
    // Of loads: the browser has ended, and with it what it had for the tab.
    new_session: rate(rng, 600),
    // Of what a page does to the world: it crashes before or after.
    crash_in_step: rate(rng, 15),
    // How long a slow listener takes.
    listener_ms_max: rng.pick([0, 20, 500]),
    // The tabs store their own positions, or else continue at the server's. Of tabs:
    stores_positions: rng.pick([0, 500, 1_000]),
    // Or the package stores them, or they begin at the end of the log. Of tabs:
    package_positions: rng.pick([0, 0, 500]),
    tail: rng.pick([0, 0, 300]),

    // Tabs that store messages with their positions, and tabs that fetch a document, of tabs:
    effects: rng.pick([0, 0, 500, 1_000]),
    state: rng.pick([0, 0, 500, 1_000]),
    // Of messages: the listener of a transaction throws.
    listener_throws: rate(rng, 50),
    // Of fetches: it fails; it takes up to a minute; it returns a position that the log does not have.
    state_fails: rate(rng, 300),
    state_slow: rate(rng, 200),
    state_lost: rate(rng, 200),

    // The storage. Tabs that have one, of tabs:
    has_storage: rng.pick([0, 500, 1_000, 1_000]),
    // Each operation takes up to this, twice: until it is done, and until it is answered.
    store_ms_max: rng.pick([0, 5, 100, 2_000]),
    // Of operations: it does nothing and fails; it works and fails; it takes longer than anyone waits.
    store_fails: rate(rng, 100) * isOdd,
    store_lies: rate(rng, 100) * isOdd,
    store_hangs: rate(rng, 20) * isOdd,
    // Of pages: the browser refuses the storage.
    store_refused: rate(rng, 200) * isOdd,
    // Of half seconds: a record is damaged by hand.
    store_damage: rate(rng, 30) * isOdd,
  };
}

/** A world without faults. Sizes are not faults: they have the smallest values. */
export const CALM = {
  tabs: 1,
  shared: 0,
  channels: 1,
  faults_ms: 3_000,
  publish_every_ms: 500,
  append_every_ms: 500,
  replay_credit: 2_000,
  queue_messages: 10_000,
  latency_ms_max: 1,
  history_every_ms: 0,
  late_every_ms: 0,
  stores_positions: 0,
  package_positions: 0,
  tail: 0,
  has_storage: 0,
  effects: 0,
  state: 0,
};

/** What a world has where it says nothing. */
export function complete(faults) {
  const none = Object.fromEntries(Object.keys(draw(new CalmRng())).map((name) => [name, 0]));
  const unknown = Object.keys(faults).filter((name) => !(name in none));
  if (unknown.length > 0)
    throw new Error(`a world has no ${unknown.join(", ")}; it has ${Object.keys(none).join(", ")}`);
  return { ...none, ...CALM, ...faults };
}

/** Draws nothing. */
class CalmRng {
  below = () => 0;
  chance = () => true;
  between = (least) => least;
  pick = (list) => list[0];
}

/** All faults end; the sizes stay. */
export function heal(faults) {
  const sizes = new Set([...Object.keys(CALM)]);
  for (const name of Object.keys(faults)) if (!sizes.has(name)) faults[name] = 0;
}

/** A world as JSON, without what is as in a world without faults: for `--world`. */
export function describe(faults) {
  const calm = complete({});
  return JSON.stringify(Object.fromEntries(Object.entries(faults).filter(([name, value]) => value !== calm[name])));
}
