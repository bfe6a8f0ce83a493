//! Authentication and authorization: JSON Web Tokens (RFC 7519), signed with one of this server's keys, and the service
//! that is asked about each channel (`--authorize-url`).

mod access;
pub(crate) mod client;
mod jwks;
mod jwks_url;
mod key;
mod key_file;
mod key_source;
pub(crate) mod outage_log;
mod per_user;
mod resolver;
mod service;
mod tokens;

use std::sync::Arc;
use std::time::Duration;

use crate::config::Config;
use crate::error::SetupError;
use crate::refusal::Refusal;

pub use access::{Access, Action};
use key_source::{Keys, Search};
pub use service::ServiceSeconds;
use service::{Service, Verdict};
use tokens::{TokenError, Tokens};

/// The user on a server that asks for no tokens.
const ANONYMOUS: &str = "anonymous";

/// See the module.
pub struct Auth {
    /// Without these, every request is accepted.
    tokens: Option<Tokens>,
    /// Asked about what the token grants.
    service: Option<Service>,
    /// The name of everyone on a server that asks for no tokens.
    anonymous: Arc<str>,
}

/// Who a connection or a request belongs to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// The token's `sub`. What belongs to a connection shares it.
    pub name: Arc<str>,
    /// The token's `exp`, since the Unix epoch.
    pub expires: Option<Duration>,
    /// What the token grants.
    pub access: Access,
}

impl Auth {
    /// Follows the configuration, and reads the file with the keys.
    pub fn new(config: &Config) -> Result<Self, SetupError> {
        let audience = config.token_audience.as_deref();
        let tokens = Keys::new(config)?.map(|keys| Tokens::new(keys, audience));
        let [timeout, cache_time] =
            [config.authorize_timeout_ms, config.authorize_cache_ms].map(Duration::from_millis);
        let service =
            config.authorize_url.as_ref().map(|url| Service::new(url, timeout, cache_time)).transpose()?;
        Ok(Auth { tokens, service, anonymous: ANONYMOUS.into() })
    }

    /// Checks a token, if tokens are needed.
    pub async fn authenticate(&self, token: Option<&str>) -> Result<User, Refusal> {
        let Some(tokens) = &self.tokens else {
            return Ok(User { name: self.anonymous.clone(), expires: None, access: Access::default() });
        };
        let check = || token.ok_or(TokenError::Missing).and_then(|token| tokens.check(token));
        let mut checked = check();
        if checked == Err(TokenError::UnknownKey) {
            // The provider may have begun to sign with a new key. Boxed, because few connections wait for that.
            let search = Box::pin(tokens.keys.look_for_unknown_key()).await;
            checked = check();
            if matches!(search, Search::Failed) && checked == Err(TokenError::UnknownKey) {
                return Err(Refusal::unknown_key());
            }
        }
        checked.map_err(Refusal::unauthorized)
    }

    /// Replaces a user's token. A fresh token must name the same user, because the subscriptions are that user's.
    pub async fn renew(&self, user: &mut User, token: &str) -> Result<(), Refusal> {
        let renewed = self.authenticate(Some(token)).await?;
        if renewed.name != user.name {
            return Err(Refusal::another_user());
        }
        *user = renewed;
        Ok(())
    }

    /// Asks the authorization service about what the token grants. Without a service, that is all it takes.
    pub async fn authorize(&self, user: &str, action: Action, ch: &str) -> Result<(), Refusal> {
        let Some(service) = &self.service else { return Ok(()) };
        match service.ask(user, action, ch).await {
            Verdict::Allowed => Ok(()),
            Verdict::Forbidden => Err(Refusal::denied(action, ch)),
            Verdict::Unknown => Err(Refusal::undecided(action, ch)),
        }
    }

    /// Reads the file with the keys again, or fetches them. Returns `None` if there is nothing to read.
    pub async fn load_keys(&self) -> Option<Result<(), SetupError>> {
        self.tokens.as_ref()?.keys.load().await
    }

    /// Keeps keys up to date that are fetched. Does not end.
    pub async fn refresh_keys(&self) {
        match &self.tokens {
            Some(tokens) => tokens.keys.refresh_regularly().await,
            None => std::future::pending().await,
        }
    }

    /// How long the authorization service takes to answer, if there is one.
    pub fn service_seconds(&self) -> Option<ServiceSeconds> {
        self.service.as_ref().map(Service::seconds)
    }
}

impl User {
    /// Whether the token grants this.
    pub fn check_grant(&self, action: Action, ch: &str) -> Result<(), Refusal> {
        if self.access.allows(action, ch) { Ok(()) } else { Err(Refusal::not_granted(action, ch)) }
    }
}
