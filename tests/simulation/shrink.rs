//! Shrinks a world that breaks a promise: fewer faults, for a shorter time, until nothing more can be removed.

use std::time::{Duration, Instant};

use serde_json::{Map, Value, json};

use crate::faults::Faults;
use crate::run::Run;

/// With other faults, a seed draws other events. So this many seeds are tried with fewer faults …
const SEEDS_EACH: u64 = 200;
/// … and in the end, for the shortest run.
const SEEDS_LAST: u64 = 1_000;
const FAULTS_MS_MIN: u64 = 500;
/// In real time, if someone waits for it.
pub const TIME_MAX: Duration = Duration::from_secs(20);

/// A world, and after how many events it fails.
#[derive(Clone)]
pub struct Failing {
    pub seed: u64,
    pub faults: Faults,
    pub events: u64,
}

/// Which promise a world breaks, without the numbers, and after how many events.
pub fn broken(seed: u64, faults: &Faults) -> Option<(String, u64)> {
    let mut run = Run::of(seed, Some(faults), false);
    run.play();
    let stage = run.world.stage;
    Some((stage.broken?.replace(|c: char| c.is_ascii_digit(), ""), stage.events))
}

/// The smallest world to be found in a time, from this one on, of which `fails` says after how many events it fails.
pub fn shrink(mut best: Failing, time_max: Duration, fails: impl Fn(u64, &Faults) -> Option<u64>) -> Failing {
    let began = Instant::now();
    let attempt = |faults: Faults, first: u64| {
        let seeds = (first..first + SEEDS_EACH).take_while(|_| began.elapsed() < time_max);
        let found = seeds.into_iter().find_map(|seed| Some((seed, fails(seed, &faults)?)));
        found.map(|(seed, events)| Failing { seed, faults, events })
    };
    loop {
        let before = best.faults.clone();
        for (name, calm) in fields(&Faults::default()) {
            let mut calmer = fields(&best.faults);
            if name != "faults_ms" && calmer[&name] != calm {
                calmer.insert(name, calm);
                best = attempt(faults(calmer), best.seed).unwrap_or(best);
            }
        }
        while best.faults.faults_ms > FAULTS_MS_MIN {
            let shorter = Faults { faults_ms: best.faults.faults_ms / 2, ..best.faults.clone() };
            let Some(failing) = attempt(shorter, best.seed) else { break };
            best = failing;
        }
        if best.faults == before {
            break;
        }
    }
    for seed in (0..SEEDS_LAST).take_while(|_| began.elapsed() < time_max) {
        if let Some(events) = fails(seed, &best.faults).filter(|&events| events < best.events) {
            best = Failing { seed, events, ..best };
        }
    }
    best
}

/// The faults of a world as JSON, for `cargo xtask sim --world`.
pub fn describe(faults: &Faults) -> String {
    let mut fields = fields(faults);
    for (name, calm) in self::fields(&Faults::default()) {
        if fields[&name] == calm {
            fields.remove(&name);
        }
    }
    json!(fields).to_string()
}

/// And back again.
pub fn faults_from_json(text: &str) -> Faults {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("no world: {error}: {text}"))
}

fn fields(faults: &Faults) -> Map<String, Value> {
    match json!(faults) {
        Value::Object(fields) => fields,
        other => unreachable!("faults are an object, not {other}"),
    }
}

fn faults(fields: Map<String, Value>) -> Faults {
    serde_json::from_value(fields.into()).expect("the fields of faults")
}

#[test]
fn a_failing_world_is_shrunk() {
    // Take a gap for the failure.
    let gap = |seed: u64, faults: &Faults| {
        let mut run = Run::of(seed, Some(faults), false);
        run.play();
        (run.totals().gaps > 0).then_some(run.world.stage.events)
    };
    let (seed, drawn, events) = (0..)
        .find_map(|seed| {
            let faults = Run::new(seed, false).world.stage.faults;
            gap(seed, &faults).map(|events| (seed, faults, events))
        })
        .expect("some world has a gap");
    // The same on every machine: however long it takes.
    let small = shrink(Failing { seed, faults: drawn.clone(), events }, Duration::MAX, gap);
    println!("{} events: {}", events, describe(&drawn));
    println!("{} events: {}", small.events, describe(&small.faults));
    assert_eq!(gap(small.seed, &small.faults), Some(small.events), "the same again");
    assert!(small.events < events / 2, "a shorter run");
    let described = describe(&small.faults);
    assert!(described.split(',').count() <= 4, "one kind of fault, and sizes: {described}");
    assert_eq!(faults_from_json(&described), small.faults);
}
