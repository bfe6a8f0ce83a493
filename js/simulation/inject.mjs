const EVERY_MS = 500;

/** Injects faults into a world every half second, until it is healed. */
export function injectFaults(world) {
  const { stage } = world;
  const again = () => {
    if (world.isHealed) return;
    injectOnce(world);
    stage.after(EVERY_MS, again);
  };
  stage.after(EVERY_MS, again);
}

function injectOnce(world) {
  const { rng } = world.stage;
  const { faults, network, server, profiles } = world;
  for (const conn of [...network.conns]) {
    if (rng.chance(faults.cut)) conn.cut(false);
    if (rng.chance(faults.half_open)) conn.cut(true);
    if (rng.chance(faults.stall)) rng.pick([conn.up, conn.down]).stall(rng.between(500, 10_000));
  }
  if (rng.chance(faults.crash)) server.crash(rng.between(100, 5_000));
  if (rng.chance(faults.drain)) server.drain(rng.between(0, 2_000));
  for (const ch of world.channels) changeLog(world, ch);
  for (const { store } of profiles) if (rng.chance(faults.store_damage)) store.damage(rng);
  for (const { page } of profiles.flatMap(({ tabs }) => tabs)) {
    if (rng.chance(faults.page_crash)) page.crash("by itself");
    if (rng.chance(faults.leave)) page.leave();
    if (rng.chance(faults.freeze)) page.freeze(rng.between(100, 40_000));
    if (rng.chance(faults.hide)) page.hide(!page.isHidden);
  }
}

function changeLog(world, ch) {
  const { rng } = world.stage;
  const { faults, server, journal } = world;
  const { offset } = journal.end(ch);
  if (rng.chance(faults.trim)) server.trim(ch, rng.between(0, offset));
  if (rng.chance(faults.rewind)) server.rewind(ch, rng.between(Math.max(0, offset - 20), offset));
  if (rng.chance(faults.replace)) server.replace(ch);
}
