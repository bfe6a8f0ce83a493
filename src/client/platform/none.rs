//! No platform: the API compiles, so that an application can be rendered on a server, and `connect` fails.

use std::convert::Infallible;

use super::{PageEvent, Report};
use crate::core::{Error, Instant};
use crate::wire::code;

/// There are none.
#[derive(Clone, Default)]
pub struct Settings {}

/// There is none.
#[derive(Clone)]
pub struct Runtime(Infallible);

impl Runtime {
    pub fn current(_settings: &Settings) -> Result<Self, Error> {
        Err(Error::new(
            code::NOT_SUPPORTED,
            "cannot connect: this build of the crate has no WebSockets. Enable the feature `native`, or build for \
             wasm32-unknown-unknown.",
        ))
    }

    pub fn spawn(&self, _task: impl Future<Output = ()> + Send + 'static) {
        match self.0 {}
    }
}

/// There is none.
#[derive(Clone)]
pub struct Socket(Box<Infallible>);

impl Socket {
    pub fn open(
        runtime: &Runtime,
        _url: &str,
        _subprotocol: &str,
        _report: impl Fn(Report) + Send + Sync + 'static,
    ) -> Result<Socket, String> {
        match runtime.0 {}
    }

    pub fn send(&self, _text: String) -> Result<(), String> {
        match *self.0 {}
    }

    pub fn buffered_bytes(&self) -> u64 {
        match *self.0 {}
    }

    pub fn close(&self, _code: u16) {
        match *self.0 {}
    }
}

/// There is none.
pub struct Timer {
    _never: Box<Infallible>,
}

impl Timer {
    pub fn start(runtime: &Runtime, _wait_ms: u32, _fire: impl FnOnce() + Send + 'static) -> Timer {
        match runtime.0 {}
    }
}

/// There is none.
pub struct Lifecycle {
    _never: Box<Infallible>,
}

impl Lifecycle {
    pub fn watch(runtime: &Runtime, _report: impl Fn(PageEvent) + Send + Sync + 'static) -> Lifecycle {
        match runtime.0 {}
    }
}

/// It stands still: nothing runs.
pub struct Clock;

impl Clock {
    pub fn new() -> Self {
        Clock
    }

    pub fn now(&self) -> Instant {
        Instant(0)
    }
}

pub fn unix_ms() -> u64 {
    0
}

pub fn random() -> u64 {
    0
}

#[cfg(test)]
mod tests {
    use crate::{Client, ErrorKind};

    #[test]
    fn connecting_without_a_platform_is_an_error() {
        let error = Client::builder("wss://example.com/ws").connect().unwrap_err();
        assert_eq!(error.kind, ErrorKind::Unsupported);
        assert!(error.message.contains("Enable the feature `native`"), "{error}");
    }
}
