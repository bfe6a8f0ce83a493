//! Keeps the node connected, its reader and its listener running, and probes Redis regularly.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::time::sleep;

use super::backoff::Backoff;
use super::connection::{Connections, ProbeResult, SharedConnection, Unusable};
use super::tail::Tail;

/// The first pause before a reconnect; it doubles with each attempt …
const RECONNECT_MIN: Duration = Duration::from_millis(100);
/// … up to this.
const RECONNECT_MAX: Duration = Duration::from_secs(1);
/// A connection that breaks sooner counts as a failed attempt: the pauses go on growing.
const STABLE_AFTER: Duration = Duration::from_secs(10);
/// How often Redis is probed. While it rejects something, this is the longest pause between two probes.
const PROBE_INTERVAL: Duration = Duration::from_secs(2);

/// See the module. Starts without connections if Redis was unfit when the server started.
pub(super) async fn run(
    shared: Arc<SharedConnection>,
    tail: Arc<Tail>,
    mut connections: Option<Connections>,
) {
    let mut backoff = Backoff::new(RECONNECT_MIN, RECONNECT_MAX);
    loop {
        if let Some(Connections { reading, .. }) = &mut connections {
            let connected_at = Instant::now();
            let why = tokio::select! {
                why = tail.read(reading) => why,
                why = shared.failure() => why,
                never = tail.listen() => match never {},
                never = probe_regularly(&shared) => match never {},
            };
            shared.disconnected(&why);
            match connected_at.elapsed() >= STABLE_AFTER {
                true => backoff.reset(),
                false => sleep(backoff.next()).await,
            }
        }
        let (found, probed) = reconnect(&shared, &tail, &mut backoff).await;
        shared.connected(&found, probed);
        connections = Some(found);
    }
}

/// Retries until there are connections and the reader has compared the logs with what it has read.
async fn reconnect(
    shared: &SharedConnection,
    tail: &Tail,
    backoff: &mut Backoff,
) -> (Connections, ProbeResult) {
    loop {
        let attempt = async {
            let (mut connections, probed) = shared.connect().await?;
            let rejects = probed != ProbeResult::Ok;
            tail.compare_all(&mut connections.commands, rejects).await?;
            if !rejects {
                tail.try_to_read(&mut connections.reading).await?;
            }
            Ok::<_, Unusable>((connections, probed))
        };
        match attempt.await {
            Ok(found) => return found,
            Err(e) => shared.disconnected(&e),
        }
        sleep(backoff.next()).await;
    }
}

/// Probes whether or not anyone publishes, so that a problem and its end are noticed early.
async fn probe_regularly(shared: &SharedConnection) -> Infallible {
    let mut backoff = Backoff::new(RECONNECT_MIN, PROBE_INTERVAL);
    let mut ok = true;
    loop {
        if ok {
            backoff.reset();
        }
        sleep(if ok { PROBE_INTERVAL } else { backoff.next() }).await;
        ok = shared.probe().await;
        shared.follow_primary().await;
    }
}
