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
use crate::net::shutdown::Drain;
use crate::ws::pages::Pages;

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
    /// What replays send.
    pub(crate) pages: Pages,
    /// Which pages may use the server.
    pub origins: Arc<Origins>,
    /// The open connections.
    pub connections: Arc<Connections>,
    /// The rate limits of those who publish over HTTP.
    pub rate_limits: RateLimits,
    /// Set as soon as a drain is requested.
    pub draining: watch::Receiver<Option<Drain>>,
}

impl App {
    /// The state of a server with these parts, and no connections yet.
    pub fn new(
        config: Config,
        store: Arc<dyn Store>,
        hub: Arc<Hub>,
        auth: Arc<Auth>,
        draining: watch::Receiver<Option<Drain>>,
    ) -> Self {
        let metrics = Metrics::new(store.missed_wakeups());
        let loopback = config.listen.ip().is_loopback();
        App {
            origins: Arc::new(Origins::new(&config.allow_origin, !config.asks_for_tokens(), loopback)),
            rate_limits: RateLimits::new(config.max_publishes_per_second),
            pages: Pages::new(&metrics),
            metrics,
            connections: Arc::default(),
            config,
            store,
            hub,
            auth,
            draining,
        }
    }
}
