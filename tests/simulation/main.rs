//! A deterministic simulation of clients, a network and a server, all from one seed.
//!
//! The core does no I/O and reads no clock, so whole days of trouble pass in a second, and a seed that
//! finds a mistake finds it again. In each world, pages with careless applications talk with a model of
//! the server over connections that break in every way, while the logs are trimmed, replaced and set
//! back. Every step of each session is held against what it promises (`invariants`). After a while all
//! trouble ends, and everyone must catch up, soon (`recovery`).
//!
//! `SIM_SEEDS` says how many seeds to run, `SIM_SEED` the first one, and `SIM_WORLD` what goes wrong if
//! not the seed shall draw it; with `SIM_TRACE` the first one tells everything that happens. Of a seed
//! that fails, the smallest world is looked for in which the same happens, unless `SIM_SHRINK` is 0.

mod app;
mod broken;
mod faults;
mod feed;
mod invariants;
mod log;
mod network;
mod outage;
mod outputs;
mod page;
mod recovery;
mod regressions;
mod report;
mod rng;
mod run;
mod server;
mod shrink;
mod stage;
mod sweep;
mod totals;
mod trace;
mod trouble;
mod world;

use std::env;

use run::Run;
use shrink::faults_from_json;
use sweep::{number_from_env, sweep};

/// With so many seeds, every kind of trouble must have shown.
const MANY: u64 = 500;

#[test]
fn seeds() {
    let seeds = number_from_env("SIM_SEEDS", 2_000);
    let first = number_from_env("SIM_SEED", 0);
    let faults = env::var("SIM_WORLD").ok().map(|world| faults_from_json(&world));
    let totals = sweep(first..first + seeds, faults.as_ref());
    if seeds >= MANY && faults.is_none() {
        assert!(totals.duplicates > 0, "no duplicate in {seeds} seeds");
        assert!(totals.gaps > 0, "no gap in {seeds} seeds");
        assert!(totals.repairs > 0, "no hole was repaired in {seeds} seeds");
        assert!(totals.reconnects > seeds, "few reconnects in {seeds} seeds");
    }
}

#[test]
fn a_seed_is_reproducible() {
    let hash = |seed| {
        let mut run = Run::new(seed, false);
        run.play();
        run.world.stage.trace.hash()
    };
    for seed in 0..20 {
        assert_eq!(hash(seed), hash(seed), "seed {seed}");
    }
    assert_ne!(hash(0), hash(1), "the hash sees something");
}
