//! What the parts of a running server share.

use std::sync::Arc;

use tokio::sync::watch;

use crate::auth::Auth;
use crate::config::Config;
use crate::http::metrics::Metrics;
use crate::limits::connections::Connections;
use crate::limits::rate::Paces;
use crate::log::Store;
use crate::log::hub::Hub;
use crate::net::origin::Origins;
use crate::net::shutdown::Drain;

/// Shared by everything that serves.
pub struct App {
    /// The command line.
    pub config: Config,
    /// Where messages are kept.
    pub store: Arc<dyn Store>,
    /// Where they come from, live.
    pub hub: Arc<Hub>,
    /// Who may come in.
    pub auth: Arc<Auth>,
    /// What is counted.
    pub metrics: Metrics,
    /// Which pages may ask.
    pub origins: Origins,
    /// Who is in.
    pub connections: Arc<Connections>,
    /// How fast they publish over HTTP.
    pub paces: Paces,
    /// Has a drain when the server is about to go.
    pub draining: watch::Receiver<Option<Drain>>,
}
