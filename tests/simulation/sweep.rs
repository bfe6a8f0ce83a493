//! Runs many seeds on all cores, and reports the first that fails.

use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::{self, ScopedJoinHandle};
use std::time::{Duration, Instant};
use std::{env, process};

use crate::faults::Faults;
use crate::report::{report, story};
use crate::run::Run;
use crate::totals::Totals;

/// The time between two checks of the workers.
const LOOKS_EVERY: Duration = Duration::from_millis(20);
/// A run takes some milliseconds. Counted in checks, because none is made while the machine is stopped.
const HANGS_AFTER_LOOKS: u32 = 1000;

/// Runs the seeds, each with the faults that it draws or all with the same ones, and panics with a report if one
/// fails. Prints the counts.
pub fn sweep(seeds: Range<u64>, faults: Option<&Faults>) -> Totals {
    let began = Instant::now();
    let (next, failed) = (AtomicU64::new(seeds.start), AtomicU64::new(u64::MAX));
    let work = |at: &AtomicU64| {
        let mut totals = Totals::default();
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= seeds.end.min(failed.load(Ordering::Relaxed)) {
                return totals;
            }
            at.store(seed, Ordering::Relaxed);
            let mut run = Run::of(seed, faults, false);
            run.play();
            if run.world.stage.broken.is_some() {
                failed.fetch_min(seed, Ordering::Relaxed);
            }
            totals.add(&run.totals());
        }
    };
    let threads = thread::available_parallelism().map_or(1, usize::from);
    let at: Vec<_> = (0..threads).map(|_| AtomicU64::new(u64::MAX)).collect();
    let mut totals = Totals::default();
    thread::scope(|scope| {
        let workers: Vec<_> = at.iter().map(|at| scope.spawn(|| work(at))).collect();
        watch(&workers, &at);
        for worker in workers {
            totals.add(&worker.join().expect("a run catches its panics"));
        }
    });
    let failed = failed.into_inner();
    if failed != u64::MAX {
        panic!("{}", report(failed, faults));
    }
    if env::var_os("SIM_TRACE").is_some() {
        println!("{}", story(seeds.start, faults, usize::MAX));
    }
    let seconds = began.elapsed().as_secs_f64();
    let per_second = totals.events as f64 / seconds;
    println!("{} seeds in {seconds:.1} s ({per_second:.0} events/s): {totals}", seeds.end - seeds.start);
    totals
}

/// Waits for the workers. A session that loops forever can only be stopped with the whole process.
fn watch(workers: &[ScopedJoinHandle<Totals>], at: &[AtomicU64]) {
    let mut seen = vec![(u64::MAX, 0); at.len()];
    while !workers.iter().all(ScopedJoinHandle::is_finished) {
        thread::sleep(LOOKS_EVERY);
        for ((worker, at), (before, looks)) in workers.iter().zip(at).zip(&mut seen) {
            let seed = at.load(Ordering::Relaxed);
            if *before != seed {
                (*before, *looks) = (seed, 0);
                continue;
            }
            *looks += 1;
            if *looks > HANGS_AFTER_LOOKS && !worker.is_finished() {
                eprintln!("seed {seed} does not come to an end");
                process::exit(1);
            }
        }
    }
}

pub fn number_from_env(name: &str, default: u64) -> u64 {
    let Ok(text) = env::var(name) else { return default };
    text.parse().unwrap_or_else(|_| panic!("{name} is a number, not {text:?}"))
}
