//! The options of a client, and the start points of a channel.

use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;

use super::host::App;
use super::random_name;
use crate::browser::driver::Driver;
use crate::browser::lineage::Lineage;
use crate::core::Config;
#[cfg(feature = "plain")]
use crate::plain::PlainConfig;
use crate::wire::Position;

/// A token, or why there is none.
pub(super) type TokenFuture = Pin<Box<dyn Future<Output = Result<Option<String>, String>>>>;
/// Returns a token. The argument is true if the last one was rejected or has expired.
pub(super) type TokenFn = Rc<dyn Fn(bool) -> TokenFuture>;

/// The options of [`Client::connect`](super::Client::connect). All have defaults.
#[derive(Clone, Default)]
pub struct Options {
    /// The settings, with the same names and defaults as the npm package's options.
    pub config: Config,
    /// Set if the server speaks the plain dialect: flat JSON objects, with or without numbers. See
    /// [`plain`](crate::plain) and `docs/PROTOCOL.md`.
    #[cfg(feature = "plain")]
    pub plain: Option<PlainConfig>,
    token: Option<TokenFn>,
}

impl Options {
    /// Sets a function that returns a token for the server. The client calls it for the first connection, and
    /// again (with `true`) whenever the server rejects the token or the token expires.
    pub fn token<F>(mut self, get: impl Fn(bool) -> F + 'static) -> Self
    where
        F: Future<Output = Result<Option<String>, String>> + 'static,
    {
        self.token = Some(Rc::new(move |refresh| Box::pin(get(refresh))));
        self.config.has_token = true;
        self
    }

    /// The page loads that the client continues, if the application sets a client id.
    pub(super) fn lineage(&mut self) -> Option<Lineage> {
        let client_id = &self.config.client_id;
        if client_id.is_empty() || self.config.lineage.is_some() {
            return None;
        }
        let lineage = Lineage::new(client_id, random_name().split_off(4));
        self.config.lineage = lineage.names();
        Some(lineage)
    }

    pub(super) fn driver(mut self, url: String) -> Driver<App> {
        if self.config.client_id.is_empty() {
            self.config.client_id = random_name();
        }
        let dialect = self.dialect();
        Driver::new(url, self.config, dialect, App::new(self.token))
    }
}

/// The start point of a channel.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum StartFrom {
    /// The position that the server stores for this `client_id`, else the tail.
    #[default]
    Stored,
    /// At the oldest message that the log still has.
    Start,
    /// After the newest message: only new messages.
    Tail,
    /// After a position.
    After(Position),
}
