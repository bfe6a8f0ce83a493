//! The page's clock.

use std::cell::Cell;

use wasm_bindgen::prelude::*;

use crate::core::Instant;

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(js_namespace = performance, js_name = now)]
    fn performance_now() -> f64;
}

/// A clock that never runs backwards and does not stop while the machine sleeps.
///
/// Neither of the page's clocks does both: `performance.now()` stops during sleep in several engines, and
/// users and the network set `Date.now()`. So each reading advances by the larger of the two steps. A wall
/// clock that is set forward looks like a sleep, which costs a ping.
pub struct Clock {
    monotonic: Cell<f64>,
    wall: Cell<f64>,
    now: Cell<f64>,
}

impl Clock {
    pub fn new() -> Self {
        let wall = js_sys::Date::now();
        Clock { monotonic: Cell::new(performance_now()), wall: Cell::new(wall), now: Cell::new(wall) }
    }

    pub fn now(&self) -> Instant {
        let (monotonic, wall) = (performance_now(), js_sys::Date::now());
        let steps = [monotonic - self.monotonic.replace(monotonic), wall - self.wall.replace(wall)];
        // Not `f64::max`, which is a function that every page would download.
        let step = steps.into_iter().fold(0.0, |larger, step| if step > larger { step } else { larger });
        self.now.set(self.now.get() + step);
        Instant(self.now.get() as u64)
    }
}
