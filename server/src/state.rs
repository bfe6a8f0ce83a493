//! What the parts of a running server share.

use std::sync::Arc;

use tokio::sync::watch;

use crate::auth::Auth;
use crate::config::Config;
use crate::http::metrics::Metrics;
use crate::limits::connections::Connections;
use crate::limits::rate::RateLimits;
use crate::log::Store;
use crate::log::hub::Hub;
use crate::net::origin::Origins;
use crate::net::proxy::Proxies;
use crate::net::shutdown::Phase;
use crate::refusal::telemetry::Refusals;
use crate::ws::pages::Pages;
use crate::ws::registry::Registry;

/// Shared by everything that serves.
pub struct App {
    /// The settings.
    pub config: Config,
    /// Where messages are kept.
    pub store: Arc<dyn Store>,
    /// The live messages.
    pub hub: Arc<Hub>,
    /// Authentication and authorization.
    pub auth: Arc<Auth>,
    /// What is counted.
    pub metrics: Metrics,
    /// What is refused.
    pub refusals: Arc<Refusals>,
    /// What replays send.
    pub(crate) pages: Pages,
    /// Which pages may use the server.
    pub origins: Arc<Origins>,
    /// The proxies whose word counts.
    pub proxies: Arc<Proxies>,
    /// How many connections are open.
    pub connections: Arc<Connections>,
    /// Who is connected.
    pub sockets: Arc<Registry>,
    /// The rate limits of those who publish over HTTP.
    pub rate_limits: RateLimits,
    /// Whether it serves, or shuts down.
    pub phase: watch::Receiver<Phase>,
}

impl App {
    /// The state of a server with these parts, and no connections yet.
    pub fn new(
        config: Config,
        store: Arc<dyn Store>,
        hub: Arc<Hub>,
        auth: Arc<Auth>,
        phase: watch::Receiver<Phase>,
    ) -> Self {
        let metrics = Metrics::new(&config, &*store, &auth);
        let loopback = config.listen.ip().is_loopback();
        App {
            origins: Arc::new(Origins::new(&config.allow_origin, !config.asks_for_tokens(), loopback)),
            proxies: Arc::new(Proxies::new(&config)),
            rate_limits: RateLimits::new(config.max_publishes_per_second),
            pages: Pages::new(&metrics),
            refusals: Refusals::new(metrics.refusals.clone()),
            metrics,
            connections: Arc::default(),
            sockets: Arc::default(),
            config,
            store,
            hub,
            auth,
            phase,
        }
    }
}
