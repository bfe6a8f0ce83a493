//! Authentication and authorization: JSON Web Tokens (RFC 7519), signed with one of this server's keys, and the service
//! that is asked about each channel (`--authorize-url`).

mod access;
mod jwks;
mod key;
mod key_file;
mod outage_log;
mod per_user;
mod resolver;
mod service;
mod tokens;

use std::time::Duration;

use crate::config::Config;
use crate::error::SetupError;
use crate::refusal::Refusal;

pub use access::{Access, Action};
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
}

/// Who a connection or a request belongs to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// The token's `sub`.
    pub name: String,
    /// The token's `exp`, since the Unix epoch.
    pub expires: Option<Duration>,
    /// What the token grants.
    pub access: Access,
}

impl Auth {
    /// Follows the configuration, and reads the file with the keys.
    pub fn new(config: &Config) -> Result<Self, SetupError> {
        let audience = config.token_audience.as_deref();
        let tokens = match (&config.token_secret, &config.token_key) {
            (None, None) => None,
            (Some(secret), _) => Some(Tokens::with_secret(secret, audience)),
            (None, Some(path)) => Some(Tokens::with_file(path.clone(), audience)?),
        };
        let [timeout, cache_time] =
            [config.authorize_timeout_ms, config.authorize_cache_ms].map(Duration::from_millis);
        let service =
            config.authorize_url.as_ref().map(|url| Service::new(url, timeout, cache_time)).transpose()?;
        Ok(Auth { tokens, service })
    }

    /// Checks a token, if tokens are needed.
    pub fn authenticate(&self, token: Option<&str>) -> Result<User, Refusal> {
        let Some(tokens) = &self.tokens else {
            return Ok(User { name: ANONYMOUS.into(), expires: None, access: Access::default() });
        };
        let checked = token.ok_or(TokenError::Missing).and_then(|token| tokens.check(token));
        checked.map_err(Refusal::unauthorized)
    }

    /// Replaces a user's token. A fresh token must name the same user, because the subscriptions are that user's.
    pub fn renew(&self, user: &mut User, token: &str) -> Result<(), Refusal> {
        let renewed = self.authenticate(Some(token))?;
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

    /// Reads the file with the keys again. Returns `None` if there is none.
    pub fn reload(&self) -> Option<Result<(), SetupError>> {
        self.tokens.as_ref()?.reload()
    }
}

impl User {
    /// Whether the token grants this.
    pub fn check_grant(&self, action: Action, ch: &str) -> Result<(), Refusal> {
        if self.access.allows(action, ch) { Ok(()) } else { Err(Refusal::not_granted(action, ch)) }
    }

    /// Returns when the token has expired; never, without one.
    pub async fn expired(&self) {
        let Some(expires) = self.expires else { return std::future::pending().await };
        loop {
            let left = expires.saturating_sub(crate::time::since_unix_epoch());
            if left.is_zero() {
                return;
            }
            // In short steps: the clock may be set meanwhile, and `exp` may be absurdly far away.
            // Boxed, because most sockets have no token that expires.
            Box::pin(tokio::time::sleep(left.min(Duration::from_secs(30)))).await;
        }
    }
}
