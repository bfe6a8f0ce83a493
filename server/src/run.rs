//! Starts the parts of the server, serves, and stops them in order.

use std::io::Write;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::watch;
use tracing::warn;

use crate::auth::Auth;
use crate::config::{Config, LogFormat, StoreKind};
use crate::error::SetupError;
use crate::log::embedded::EmbeddedStore;
use crate::log::hub::Hub;
use crate::log::redis::RedisStore;
use crate::log::{Retention, Store};
use crate::net::listen::{self, Limits};
use crate::net::reload;
use crate::net::shutdown::{self, Drain, Signals};
use crate::net::tls::Tls;
use crate::routes::router;
use crate::state::App;

const NO_SECRET: &str = "
  ============================================================================
   WARNING: no token secret. Anyone who can reach this server can read and
   write every channel. That is fine for trying it out on one machine.
   Otherwise, give --token-secret (or SEAMLINE_TOKEN_SECRET).
  ============================================================================
";

/// Runs the server until it is shut down.
pub async fn run(config: Config) -> Result<(), SetupError> {
    let (auth, tls) = prepare(&config)?;
    reload::on_hangup(auth.clone(), tls.clone());
    if !config.asks_for_tokens() {
        warn_of_no_secret(config.log_format);
    }
    #[cfg(feature = "fault-injection")]
    if config.faults.unsafe_replay_before_subscribe {
        warn!("--unsafe-replay-before-subscribe: messages will be lost; this is for tests only");
    }
    shutdown::ignore_file_size_signal();
    let retention =
        Retention { messages: config.retain_messages, age: config.retain_age, keys: config.retain_keys };
    let hub = Arc::new(Hub::new(usize::try_from(config.live_queue_bytes).unwrap_or(usize::MAX)));
    let pacing = tokio::spawn({
        let hub = hub.clone();
        async move { hub.pace().await }
    });
    let store = open_store(&config, retention, hub.clone()).await?;
    let (listener, address) = listen::bind(config.listen)?;
    let signals = Signals::listen();
    let scheme = if tls.is_some() { "https" } else { "http" };
    announce(&format!("seamline-server listening on {scheme}://{address}"));
    let trimming = tokio::spawn(trim_regularly(store.clone(), retention));
    serve(config, auth, (listener, tls), store.clone(), hub, signals).await?;
    trimming.abort();
    pacing.abort();
    store.close().await;
    Ok(())
}

/// Checks the settings and reads the files that they name, without touching the store or the network.
pub fn prepare(config: &Config) -> Result<(Arc<Auth>, Option<Arc<Tls>>), SetupError> {
    config.check()?;
    Ok((Arc::new(Auth::new(config)?), open_tls(config)?))
}

async fn open_store(
    config: &Config,
    retention: Retention,
    hub: Arc<Hub>,
) -> Result<Arc<dyn Store>, SetupError> {
    Ok(match &config.log {
        StoreKind::Embedded => {
            Arc::new(EmbeddedStore::open(&config.data, config.trust_store, retention, hub)?)
        }
        StoreKind::Redis(url) => Arc::new(RedisStore::open(url, retention, hub).await?),
    })
}

fn open_tls(config: &Config) -> Result<Option<Arc<Tls>>, SetupError> {
    let Some((certificate, key)) = config.tls_cert.as_deref().zip(config.tls_key.as_deref()) else {
        return Ok(None);
    };
    Ok(Some(Arc::new(Tls::read(certificate, key)?)))
}

async fn serve(
    config: Config,
    auth: Arc<Auth>,
    (listener, tls): (TcpListener, Option<Arc<Tls>>),
    store: Arc<dyn Store>,
    hub: Arc<Hub>,
    signals: Signals,
) -> Result<(), SetupError> {
    let limits = Limits {
        header: Duration::from_millis(config.header_timeout_ms),
        send: Duration::from_millis(config.send_timeout_ms),
        // Behind a proxy all connections are the proxy's.
        per_address: if config.trust_forwarded_for { 0 } else { config.max_connections_per_ip },
    };
    let (drain, draining) = watch::channel(None);
    let app = Arc::new(App::new(config, store, hub, auth, draining.clone()));
    let connections = app.connections.clone();
    let pages = app.clone();
    let freeing = tokio::spawn(async move { pages.pages.free_regularly().await });
    let mut stop = draining;
    let stopping = async move { drop(stop.wait_for(Option::is_some).await) };
    let mut serving = tokio::spawn(listen::serve(listener, tls, router(app), limits, stopping));
    tokio::select! {
        () = signals.requested() => {}
        ended = &mut serving => return Err(SetupError::new("the listener has stopped", format!("{ended:?}"))),
    }
    drain.send_replace(Some(Drain::of(connections.open())));
    shutdown::drain(connections, async { drop(serving.await) }).await;
    freeing.abort();
    Ok(())
}

fn warn_of_no_secret(format: LogFormat) {
    match format {
        LogFormat::Text => drop(writeln!(std::io::stderr(), "{NO_SECRET}")), // like a log line, it may be lost
        LogFormat::Json => warn!(
            "no token secret: anyone who can reach this server can read and write every channel; give --token-secret"
        ),
    }
}

/// Writes one line to standard output, for a program that started the server and needs the port.
fn announce(line: &str) {
    let mut out = std::io::stdout();
    let _ = writeln!(out, "{line}"); // if nobody reads it, the server serves all the same
    let _ = out.flush();
}

async fn trim_regularly(store: Arc<dyn Store>, retention: Retention) {
    let (least, most) = (Duration::from_millis(250), Duration::from_secs(60));
    let every = retention.age.map_or(most, |age| (age / 10).clamp(least, most));
    loop {
        tokio::time::sleep(every).await;
        match store.trim().await {
            Err(e) if !e.is_unavailable() => warn!("trimming failed: {e}"),
            _ => {}
        }
    }
}
