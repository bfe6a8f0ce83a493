//! Keeps the node connected and its reader reading, and looks again and again whether Redis does what the log needs.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::time::sleep;

use super::link::{Connections, Link, Unusable};
use super::pause::Pause;
use super::probe::Proof;
use super::tail::Tail;

/// Redis is asked again after so long, and then less often, up to …
const RECONNECT_MIN: Duration = Duration::from_millis(100);
/// … this.
const RECONNECT_MAX: Duration = Duration::from_secs(1);
/// A connection that did not last so long has changed nothing: the pauses go on growing.
const STEADY: Duration = Duration::from_secs(10);
/// How often Redis is probed; as often as that while it refuses something, after the pauses have grown.
const PROBE_INTERVAL: Duration = Duration::from_secs(2);

/// See the module. It begins without connections where Redis was not fit when the server started.
pub(super) async fn keep(link: Arc<Link>, tail: Arc<Tail>, mut connections: Option<Connections>) {
    let mut pause = Pause::new(RECONNECT_MIN, RECONNECT_MAX);
    loop {
        if let Some(Connections { blocking, .. }) = &mut connections {
            let up_at = Instant::now();
            let why = tokio::select! {
                why = tail.read(blocking) => why,
                why = link.failure() => why,
                never = watch(&link) => match never {},
            };
            link.down(&why);
            match up_at.elapsed() >= STEADY {
                true => pause.reset(),
                false => sleep(pause.grow()).await,
            }
        }
        let (found, proof) = reconnected(&link, &tail, &mut pause).await;
        link.up(found.commands.clone(), proof);
        connections = Some(found);
    }
}

/// Asks until there are connections, and the reader has compared the log with what it knew.
async fn reconnected(link: &Link, tail: &Tail, pause: &mut Pause) -> (Connections, Proof) {
    loop {
        let attempt = async {
            let (mut connections, proof) = link.connect().await?;
            let refuses = proof != Proof::Good;
            tail.check(&mut connections.commands, refuses).await.map_err(Unusable::Unfit)?;
            if !refuses {
                tail.try_to_read(&mut connections.blocking).await.map_err(Unusable::Unfit)?;
            }
            Ok::<_, Unusable>((connections, proof))
        };
        match attempt.await {
            Ok(found) => return found,
            Err(e) => link.down(&e.to_string()),
        }
        sleep(pause.grow()).await;
    }
}

/// Whether or not anyone publishes: what Redis refuses is to be known before, and that it does not any more as well.
async fn watch(link: &Link) -> Infallible {
    let mut pause = Pause::new(RECONNECT_MIN, PROBE_INTERVAL);
    let mut good = true;
    loop {
        if good {
            pause.reset();
        }
        sleep(if good { PROBE_INTERVAL } else { pause.grow() }).await;
        good = link.probe().await;
    }
}
