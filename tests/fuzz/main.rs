//! Frames that no server sends: whatever arrives, nothing panics, and errors state what is wrong.
//!
//! `FUZZ_INPUTS` says how many inputs each test tries (10,000 by default), `FUZZ_SEED` which. Run with
//! overflow checks, as tests do by default, and with optimizations for many inputs.

mod frames;
mod input;
mod sessions;

// The simulation's generator: one is enough.
#[path = "../simulation/rng.rs"]
mod rng;

use rng::Rng;

/// Calls `try_one` with `FUZZ_INPUTS` generators, each with its own seed.
fn with_inputs(try_one: impl Fn(&mut Rng)) {
    let first = number_from_env("FUZZ_SEED", 0);
    let count = number_from_env("FUZZ_INPUTS", 10_000);
    for seed in first..first + count {
        let mut rng = Rng::new(seed);
        let tried = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| try_one(&mut rng)));
        assert!(tried.is_ok(), "FUZZ_SEED={seed} FUZZ_INPUTS=1 shows this again");
    }
    println!("{count} inputs from seed {first}");
}

fn number_from_env(name: &str, default: u64) -> u64 {
    let Ok(text) = std::env::var(name) else { return default };
    text.parse().unwrap_or_else(|_| panic!("{name} is a number, not {text:?}"))
}
