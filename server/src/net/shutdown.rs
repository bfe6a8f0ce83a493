//! The order to stop, and the drain that follows; and which signal does not stop it.

use std::sync::Arc;
use std::time::Duration;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tracing::{info, warn};

use crate::limits::connections::Connections;

/// How long clients may take to leave.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(5);

/// The first client comes back after so long: the next server may be starting.
const RETURN_MS_MIN: u64 = 100;
/// The last one within so long, however few they are …
const SPREAD_MS_MIN: u64 = 1000;
/// … or within so long for each of them: to greet them all and to read what they missed is work for the others …
const SPREAD_MS_PER_CLIENT: u64 = 2;
/// … but not later than this.
const SPREAD_MS_MAX: u64 = 30_000;

/// What a process gets that writes beyond the limit on the size of files. The number is the same on all systems but
/// those on MIPS, where it is that of a signal which does nothing anyway.
const SIGXFSZ: i32 = 25;

/// A drain that has begun.
#[derive(Clone, Copy, Debug)]
pub struct Drain {
    /// Over how long its clients' return is spread.
    spread_ms: u64,
}

impl Drain {
    /// Of a server with so many clients.
    pub fn of(clients: usize) -> Self {
        let wanted_ms = (clients as u64).saturating_mul(SPREAD_MS_PER_CLIENT);
        Drain { spread_ms: wanted_ms.clamp(SPREAD_MS_MIN, SPREAD_MS_MAX) }
    }

    /// When one of them is to come back; not all at once.
    pub fn draw_reconnect_in_ms(self) -> u64 {
        crate::random::between(RETURN_MS_MIN, self.spread_ms)
    }
}

/// A store that may not grow is as one on a full disk: the write fails, and that is seen to. Without this, the signal
/// that comes with the failure would end the process. Needs the runtime.
pub fn survive_file_size_limit() {
    // Caught for good, also when nobody listens any more.
    if let Err(e) = signal(SignalKind::from_raw(SIGXFSZ)) {
        warn!("SIGXFSZ cannot be caught here: {e}; a limit on the size of files ends the server");
    }
}

/// The signals that ask the process to stop. Listened to from before anyone is told that the server is there: one
/// that comes earlier would be lost, or end it without a drain.
pub struct Signals(Option<(Signal, Signal)>);

impl Signals {
    /// Begins to listen. Needs the runtime.
    pub fn listen() -> Signals {
        let (terminate, interrupt) = (signal(SignalKind::terminate()), signal(SignalKind::interrupt()));
        let both = terminate.ok().zip(interrupt.ok());
        if both.is_none() {
            warn!("signals cannot be caught here: the server will not drain");
        }
        Signals(both)
    }

    /// Returns when the process is asked to stop.
    pub async fn requested(self) {
        let Some((mut terminate, mut interrupt)) = self.0 else { return std::future::pending().await };
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        info!("draining");
    }
}

/// Waits until everyone has left, for as long as that may take.
pub async fn drained(connections: Arc<Connections>, serving: impl Future<Output = ()>) {
    let all = async {
        serving.await;
        connections.all_gone().await;
    };
    if tokio::time::timeout(DRAIN_TIMEOUT, all).await.is_err() {
        warn!("not everyone left within {DRAIN_TIMEOUT:?}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_more_clients_the_wider_they_are_spread() {
        let table =
            [(0, 1000), (500, 1000), (501, 1002), (10_000, 20_000), (15_001, 30_000), (usize::MAX, 30_000)];
        for (clients, spread_ms) in table {
            let drain = Drain::of(clients);
            assert_eq!(drain.spread_ms, spread_ms, "{clients}");
            assert!((0..100).all(|_| (100..spread_ms).contains(&drain.draw_reconnect_in_ms())));
        }
    }
}
