//! The report on a seed that breaks a promise.

use std::env;
use std::panic;

use crate::faults::Faults;
use crate::run::Run;
use crate::shrink::{Failing, TIME_MAX, broken, describe, shrink};

const TRACE_LINES: usize = 60;

/// A failed seed: its report, and that of the smallest world that fails in the same way.
pub fn report(seed: u64, faults: Option<&Faults>) -> String {
    let mut report = format!("seed {seed} breaks a promise\n{}\n", story(seed, faults, TRACE_LINES));
    report += &again(seed, faults);
    // The mutants of `cargo xtask mutants` need no more than this.
    if env::var_os("SIM_SHRINK").is_none_or(|shrink| shrink != "0")
        && let Some(small) = smallest(seed, faults)
    {
        let Failing { seed, faults, events } = small;
        report += &format!("\n\nthe smallest world that breaks it, after {events} events: seed {seed}\n");
        report += &format!("{}\n{}", story(seed, Some(&faults), TRACE_LINES), again(seed, Some(&faults)));
    }
    report
}

/// Runs a seed again and reports its faults, the last lines of the trace, and the broken promise.
pub fn story(seed: u64, faults: Option<&Faults>, lines: usize) -> String {
    let mut run = Run::of(seed, faults, true);
    let faults = describe(&run.world.stage.faults);
    run.play();
    let stage = &run.world.stage;
    let end = stage.broken.as_deref().unwrap_or("all promises are kept");
    format!("{faults}\n{}\n{end}", stage.trace.tail(lines).join("\n"))
}

fn smallest(seed: u64, faults: Option<&Faults>) -> Option<Failing> {
    let faults = Run::of(seed, faults, false).world.stage.faults;
    let hook = panic::take_hook();
    panic::set_hook(Box::new(|_| ())); // the expected panic would be printed a thousand times
    let small = broken(seed, &faults).map(|(promise, events)| {
        let same = |seed, faults: &_| broken(seed, faults).filter(|(other, _)| *other == promise);
        shrink(Failing { seed, faults, events }, TIME_MAX, |seed, faults| {
            same(seed, faults).map(|(_, events)| events)
        })
    });
    panic::set_hook(hook);
    small
}

fn again(seed: u64, faults: Option<&Faults>) -> String {
    let world = faults.map(|faults| format!(" --world '{}'", describe(faults))).unwrap_or_default();
    format!("to see all of it: cargo xtask sim --seeds 1 --seed {seed}{world} --trace")
}
