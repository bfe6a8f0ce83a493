//! Starts the parts of the server, serves, and stops them in order.

use std::io::Write;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::watch;
use tracing::{info, warn};

use crate::admin;
use crate::auth::Auth;
use crate::config::{Config, LogFormat, StoreKind};
use crate::error::SetupError;
use crate::log::admin::socket::AdminSocket;
use crate::log::embedded::EmbeddedStore;
use crate::log::hub::Hub;
use crate::log::{Retention, Store, redis};
use crate::net::descriptors::Descriptors;
use crate::net::serve::{Edge, Limits, Service};
use crate::net::shutdown::{self, Drain, Phase, Signals};
use crate::net::tls::Tls;
use crate::net::{listen, reload};
use crate::routes::{overloaded, router};
use crate::state::App;
use crate::trace;
use crate::ws;

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
    auth.load_keys().await.transpose()?;
    let refreshing = tokio::spawn({
        let auth = auth.clone();
        async move { auth.refresh_keys().await }
    });
    reload::on_hangup(auth.clone(), tls.clone());
    if !config.asks_for_tokens() {
        warn_of_no_secret(config.log_format);
    }
    #[cfg(feature = "fault-injection")]
    if config.faults.unsafe_replay_before_subscribe {
        warn!("--unsafe-replay-before-subscribe: messages will be lost; this is for tests only");
    }
    shutdown::ignore_file_size_signal();
    trace::start(&config)?;
    let descriptors = Descriptors::raise_limit();
    let retention =
        Retention { messages: config.retain_messages, age: config.retain_age, keys: config.retain_keys };
    let hub = Arc::new(Hub::new(usize::try_from(config.live_queue_bytes).unwrap_or(usize::MAX)));
    let pacing = tokio::spawn({
        let hub = hub.clone();
        async move { hub.pace().await }
    });
    let (store, admin_socket) = open_store(&config, retention, hub.clone()).await?;
    let (listener, address) = listen::bind(config.listen, "--listen")?;
    let admin = config.admin_listen.map(|address| listen::bind(address, "--admin-listen")).transpose()?;
    let signals = Signals::listen();
    let scheme = if tls.is_some() { "https" } else { "http" };
    if let Some((_, address)) = &admin {
        info!("the admin API listens on {scheme}://{address}");
    }
    announce(&format!("seamline-server listening on {scheme}://{address}"));
    #[cfg(feature = "fault-injection")]
    if config.faults.unsafe_panic {
        tokio::spawn(async { panic!("injected") });
    }
    let trimming = tokio::spawn(trim_regularly(store.clone(), retention));
    let listeners = Listeners { main: listener, admin: admin.map(|(listener, _)| listener), tls };
    serve(config, auth, listeners, store.clone(), hub, signals, descriptors).await?;
    drop(admin_socket);
    trimming.abort();
    pacing.abort();
    refreshing.abort();
    store.close().await;
    trace::finish().await;
    Ok(())
}

/// Checks the settings and reads the files that they name, without touching the store or the network.
pub fn prepare(config: &Config) -> Result<(Arc<Auth>, Option<Arc<Tls>>), SetupError> {
    config.check()?;
    trace::check(&config.trace)?;
    if let StoreKind::Redis(url) = &config.log {
        redis::check_url(url)?;
    }
    if let Some(www) = config.www.as_ref().filter(|www| !www.is_dir()) {
        warn!(
            "there is no directory {}: requests for static files get 404; create it, or give another with --www",
            www.display()
        );
    }
    Ok((Arc::new(Auth::new(config)?), open_tls(config)?))
}

async fn open_store(
    config: &Config,
    retention: Retention,
    hub: Arc<Hub>,
) -> Result<(Arc<dyn Store>, Option<AdminSocket>), SetupError> {
    Ok(match &config.log {
        StoreKind::Embedded => {
            let store = Arc::new(EmbeddedStore::open(&config.data, config.trust_store, retention, hub)?);
            let admin_socket = AdminSocket::listen(&config.data, store.clone());
            (store, admin_socket)
        }
        StoreKind::Redis(url) => (redis::open(url, retention, hub).await?, None),
    })
}

fn open_tls(config: &Config) -> Result<Option<Arc<Tls>>, SetupError> {
    let Some((certificate, key)) = config.tls_cert.as_deref().zip(config.tls_key.as_deref()) else {
        return Ok(None);
    };
    Ok(Some(Arc::new(Tls::read(certificate, key)?)))
}

/// Where the server listens.
struct Listeners {
    main: TcpListener,
    admin: Option<TcpListener>,
    tls: Option<Arc<Tls>>,
}

async fn serve(
    config: Config,
    auth: Arc<Auth>,
    Listeners { main, admin, tls }: Listeners,
    store: Arc<dyn Store>,
    hub: Arc<Hub>,
    mut signals: Signals,
    descriptors: Descriptors,
) -> Result<(), SetupError> {
    let limits = Limits {
        header: Duration::from_millis(config.header_timeout_ms),
        send: Duration::from_millis(config.send_timeout_ms),
        per_address: config.max_connections_per_ip,
    };
    let delay = config.drain_delay;
    let (phase, mut drained) = watch::channel(Phase::Serving);
    let app = Arc::new(App::new(config, store, hub, auth, drained.clone()));
    let (connections, sockets) = (app.connections.clone(), app.sockets.clone());
    let pages = app.clone();
    let freeing = tokio::spawn(async move { pages.pages.free_regularly().await });
    let heartbeat = Duration::from_millis(app.config.heartbeat_ms);
    let beating = tokio::spawn(ws::beats::beat_regularly(app.sockets.clone(), heartbeat));
    let stopping = async move { drop(drained.wait_for(|phase| phase.drain().is_some()).await) };
    let edge = Edge::new(limits, descriptors, app.proxies.clone(), app.refusals.clone());
    // Until the end: during a drain, it reports that.
    let administration = admin.map(|listener| {
        let (router, overloaded) = (admin::router(app.clone()), overloaded(app.clone(), true));
        let service = Service { tls: tls.clone(), router, overloaded };
        tokio::spawn(listen::serve(listener, service, edge.clone(), std::future::pending()))
    });
    let overloaded = overloaded(app.clone(), administration.is_none());
    let service = Service { tls, router: router(app), overloaded };
    let mut serving = tokio::spawn(listen::serve(main, service, edge, stopping));
    tokio::select! {
        () = signals.next() => {}
        ended = &mut serving => return Err(SetupError::new("the listener has stopped", format!("{ended:?}"))),
    }
    phase.send_replace(Phase::Leaving);
    if let Some(delay) = delay {
        shutdown::wait(delay, &mut signals).await;
    }
    let drain = Drain::of(connections.open());
    phase.send_replace(Phase::Draining(drain));
    sockets.drain(drain);
    shutdown::drain(connections, async { drop(serving.await) }, &mut signals).await;
    freeing.abort();
    beating.abort();
    if let Some(administration) = administration {
        administration.abort();
    }
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
