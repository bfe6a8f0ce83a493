//! What a page is to the Rust client. See [`client::platform`](crate::client::platform).

use gloo_timers::callback::Timeout;
use wasm_bindgen_futures::spawn_local;

pub use super::clock::Clock;
pub use super::lifecycle::Lifecycle;
pub use super::socket::Socket;
use crate::core::Error;

/// A page has none of its own.
#[derive(Clone, Default)]
pub struct Settings {}

/// The page's event loop.
#[derive(Clone)]
pub struct Runtime;

impl Runtime {
    pub fn current(_settings: &Settings) -> Result<Self, Error> {
        Ok(Runtime)
    }

    pub fn spawn(&self, task: impl Future<Output = ()> + 'static) {
        spawn_local(task);
    }
}

/// Dropping it cancels it.
pub struct Timer {
    _timeout: Timeout,
}

impl Timer {
    pub fn start(_runtime: &Runtime, wait_ms: u32, fire: impl FnOnce() + 'static) -> Timer {
        Timer { _timeout: timeout(wait_ms, Box::new(fire)) }
    }
}

/// One type for all of them: `Timeout` brings code for each type of function.
pub fn timeout(wait_ms: u32, fire: Box<dyn FnOnce()>) -> Timeout {
    Timeout::new(wait_ms, fire)
}

pub fn unix_ms() -> u64 {
    js_sys::Date::now() as u64
}

/// 53 random bits, twice.
pub fn random() -> u64 {
    let bits = || (js_sys::Math::random() * (1u64 << 53) as f64) as u64;
    bits() ^ bits().rotate_left(32)
}
