//! The order of things: each measurement on each server in turn, and all of it several times.

use std::time::Duration;

use anyhow::{Context, Result};

use crate::peer::Kind;
use crate::report::Results;
use crate::{Args, fanout, idle, storm};

/// Connections that have just been opened are not idle yet, and Node tidies up when it has nothing to do.
const IDLE_PAUSE: Duration = Duration::from_secs(12);
/// Until the server has noticed that its clients have gone.
const GONE_PAUSE: Duration = Duration::from_secs(3);

pub async fn all(args: &Args) -> Result<()> {
    let mut results = Results::default();
    for repeat in 0..args.repeats {
        // Whoever comes second finds the machine as the first one has left it.
        let order =
            if repeat % 2 == 0 { [Kind::Seamline, Kind::SocketIo] } else { [Kind::SocketIo, Kind::Seamline] };
        println!("run {} of {}", repeat + 1, args.repeats);
        for kind in order {
            let idle =
                idle::measure(kind, args, IDLE_PAUSE).await.with_context(|| format!("{kind}, idle"))?;
            results.idle(kind, &idle);
        }
        for kind in order {
            let fanout = fanout::measure(kind, args).await.with_context(|| format!("{kind}, fan-out"))?;
            results.fanout(kind, &fanout);
        }
        for kind in order {
            let storm =
                storm::measure(kind, args, GONE_PAUSE).await.with_context(|| format!("{kind}, storm"))?;
            results.storm(kind, &storm);
        }
    }
    println!("\n{}", results.table(args));
    Ok(())
}
