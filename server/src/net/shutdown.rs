//! The signals that stop the server, and the drain that follows.

use std::sync::Arc;
use std::time::Duration;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tracing::{info, warn};

use crate::limits::connections::Connections;

/// How long clients may take to disconnect.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(5);

/// The first client reconnects after this time: the next server may still be starting.
const RETURN_MS_MIN: u64 = 100;
/// The last one reconnects within this time, however few they are …
const SPREAD_MS_MIN: u64 = 1000;
/// … or within this time for each of them, because other servers have to greet them and read what they missed …
const SPREAD_MS_PER_CLIENT: u64 = 2;
/// … but not later than this.
const SPREAD_MS_MAX: u64 = 30_000;

/// The signal for a write beyond the file size limit. The number is the same on all systems except on MIPS, where it is
/// that of a signal that does nothing.
const SIGXFSZ: i32 = 25;

/// What the server is about.
#[derive(Clone, Copy, Debug)]
pub enum Phase {
    /// It serves.
    Serving,
    /// It serves, and will end soon: load balancers should send new clients elsewhere.
    Leaving,
    /// It accepts no connections, and its clients are sent away.
    Draining(Drain),
}

impl Phase {
    /// Whether the server ends.
    pub fn is_ending(&self) -> bool {
        !matches!(self, Phase::Serving)
    }

    /// The drain, once it has begun.
    pub fn drain(&self) -> Option<Drain> {
        match self {
            Phase::Serving | Phase::Leaving => None,
            Phase::Draining(drain) => Some(*drain),
        }
    }
}

/// A drain that has begun.
#[derive(Clone, Copy, Debug)]
pub struct Drain {
    /// Over how long the clients' reconnects are spread.
    spread_ms: u64,
}

impl Drain {
    /// The drain of a server with this many clients.
    pub fn of(clients: usize) -> Self {
        let wanted_ms = (clients as u64).saturating_mul(SPREAD_MS_PER_CLIENT);
        Drain { spread_ms: wanted_ms.clamp(SPREAD_MS_MIN, SPREAD_MS_MAX) }
    }

    /// Draws when one of them reconnects, so that not all do at once.
    pub fn draw_reconnect_in_ms(self) -> u64 {
        crate::random::between(RETURN_MS_MIN, self.spread_ms)
    }
}

/// Ignores the signal that comes with a write beyond the file size limit, and would end the process. The write fails as
/// on a full disk, which the store handles. Needs the runtime.
pub fn ignore_file_size_signal() {
    // Caught for good, even if nobody listens.
    if let Err(e) = signal(SignalKind::from_raw(SIGXFSZ)) {
        warn!("cannot catch SIGXFSZ: {e}; reaching the file size limit will end the server");
    }
}

/// The signals that stop the server. It listens for them before it announces its address: an earlier one would be lost,
/// or end the process without a drain.
pub struct Signals(Option<(Signal, Signal)>);

impl Signals {
    /// Starts to listen. Needs the runtime.
    pub fn listen() -> Signals {
        let (terminate, interrupt) = (signal(SignalKind::terminate()), signal(SignalKind::interrupt()));
        let both = terminate.ok().zip(interrupt.ok());
        if both.is_none() {
            warn!("cannot catch SIGTERM and SIGINT: the server will stop without a drain");
        }
        Signals(both)
    }

    /// Returns when the next one comes.
    pub async fn next(&mut self) {
        let Some((terminate, interrupt)) = &mut self.0 else { return std::future::pending().await };
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    }
}

/// Gives load balancers time to send new clients elsewhere. Another signal ends the wait.
pub async fn wait(delay: Duration, signals: &mut Signals) {
    info!("not ready from now on; draining in {delay:?}, or at the next signal");
    tokio::select! {
        () = tokio::time::sleep(delay) => {}
        () = signals.next() => {}
    }
}

/// Waits until all clients have disconnected, but for a few seconds at most. Another signal ends the wait.
pub async fn drain(connections: Arc<Connections>, serving: impl Future<Output = ()>, signals: &mut Signals) {
    info!("draining");
    let all = async {
        serving.await;
        connections.all_closed().await;
    };
    tokio::select! {
        () = all => {}
        () = tokio::time::sleep(DRAIN_TIMEOUT) => {
            warn!("{} clients did not disconnect within {DRAIN_TIMEOUT:?}", connections.open());
        }
        () = signals.next() => warn!("another signal: {} clients had not disconnected", connections.open()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_clients_reconnect_over_a_longer_time() {
        let table =
            [(0, 1000), (500, 1000), (501, 1002), (10_000, 20_000), (15_001, 30_000), (usize::MAX, 30_000)];
        for (clients, spread_ms) in table {
            let drain = Drain::of(clients);
            assert_eq!(drain.spread_ms, spread_ms, "{clients}");
            assert!((0..100).all(|_| (100..spread_ms).contains(&drain.draw_reconnect_in_ms())));
        }
    }
}
