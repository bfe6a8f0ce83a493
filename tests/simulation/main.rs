//! A deterministic simulation of clients, a network and a server, all from one seed.
//!
//! The core does no I/O and reads no clock, so days of faults pass in a second, and a seed that finds a bug
//! finds it again. In each world, pages with careless applications talk to a model of the server over
//! connections that break in every way, while the logs are trimmed, replaced and rewound. Every step of each
//! session is checked against the promises (`invariants`). After a while all faults end, and every client must
//! catch up soon (`recovery`).
//!
//! `SIM_SEEDS` is the number of seeds to run, `SIM_SEED` the first one. `SIM_WORLD` sets the faults that the seed
//! would draw. With `SIM_TRACE`, the first seed prints every event. If a seed fails, the test looks for the
//! smallest world that fails in the same way, unless `SIM_SHRINK` is 0.

mod app;
mod broken;
mod faults;
mod feed;
mod inject;
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
mod world;

use std::env;

use run::Run;
use shrink::faults_from_json;
use sweep::{number_from_env, sweep};

/// With this many seeds, every kind of fault must have occurred.
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
