//! The order of measurements: each on both servers in turn, and all of them several times.

use std::time::Duration;

use anyhow::{Context, Result};

use crate::peer::Kind;
use crate::report::Results;
use crate::{Args, fanout, idle, reconnect_storm};

/// Connections that were just opened are not idle yet, and Node cleans up when it has nothing else to do.
const IDLE_PAUSE: Duration = Duration::from_secs(12);
/// How long a server may take to notice that its clients have disconnected.
const GONE_PAUSE: Duration = Duration::from_secs(3);

pub async fn all(args: &Args) -> Result<()> {
    let mut results = Results::default();
    for repeat in 0..args.repeats {
        // The second server runs on a machine that the first one has used, so the order alternates.
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
            let storm = reconnect_storm::measure(kind, args, GONE_PAUSE)
                .await
                .with_context(|| format!("{kind}, storm"))?;
            results.storm(kind, &storm);
        }
    }
    println!("\n{}", results.table(args));
    if let Some(file) = &args.json {
        let written = std::fs::create_dir_all(file.parent().unwrap_or(file))
            .and_then(|()| std::fs::write(file, results.json(args)));
        written.with_context(|| format!("cannot write {}", file.display()))?;
    }
    Ok(())
}
