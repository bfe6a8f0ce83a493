//! Who is there, and what they may do: JSON Web Tokens (RFC 7519), signed with one of this server's keys.

mod access;
mod hook;
mod jwks;
mod key;
mod outage;
mod resolver;
mod tokens;
mod turns;

use std::fmt;
use std::time::Duration;

use crate::config::Config;

pub use access::Access;
use hook::Hook;
pub use hook::{Action, RETRY_AFTER_MS, Verdict};
use tokens::Tokens;

/// The user of a server without a secret.
const ANONYMOUS: &str = "anonymous";

/// How it is found out.
pub struct Auth {
    /// Without these, everyone is welcome.
    tokens: Option<Tokens>,
    /// Who is asked besides the token.
    hook: Option<Hook>,
}

/// Who a connection or a request belongs to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// The token's `sub`.
    pub name: String,
    /// The token's `exp`, since the Unix epoch.
    pub expires: Option<Duration>,
    /// What they may read and write.
    pub access: Access,
}

/// Why a token was refused, as a sentence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused(pub String);

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Auth {
    /// As the configuration says; or why it cannot be.
    pub fn new(config: &Config) -> Result<Self, String> {
        let audience = config.token_audience.as_deref();
        let tokens = match (&config.token_secret, &config.token_key) {
            (None, None) => None,
            (Some(secret), _) => Some(Tokens::with_secret(secret, audience)),
            (None, Some(path)) => Some(Tokens::with_file(path.clone(), audience)?),
        };
        let [timeout, remembered] =
            [config.authorize_timeout_ms, config.authorize_cache_ms].map(Duration::from_millis);
        let hook =
            config.authorize_url.as_ref().map(|url| Hook::new(url, timeout, remembered)).transpose()?;
        Ok(Auth { tokens, hook })
    }

    /// Checks a token, or that none is needed.
    pub fn check(&self, token: Option<&str>) -> Result<User, Refused> {
        match &self.tokens {
            None => Ok(User { name: ANONYMOUS.into(), expires: None, access: Access::default() }),
            Some(tokens) => tokens.check(token.ok_or_else(|| Refused("a token is required".into()))?),
        }
    }

    /// What the authorisation service says, of what the token allows; where there is none, it is allowed.
    pub async fn ask(&self, user: &str, action: Action, ch: &str) -> Verdict {
        match &self.hook {
            None => Verdict::Allowed,
            Some(hook) => hook.ask(user, action, ch).await,
        }
    }

    /// Reads the file with the keys again; nothing happens if there is none.
    pub fn reload(&self) -> Option<Result<(), String>> {
        self.tokens.as_ref()?.reload()
    }
}

impl User {
    /// Returns when the token has expired; never, without one.
    pub async fn expired(&self) {
        let Some(expires) = self.expires else { return std::future::pending().await };
        loop {
            let left = expires.saturating_sub(crate::time::since_unix_epoch());
            if left.is_zero() {
                return;
            }
            // Not all at once: the clock may be set meanwhile, and `exp` may be absurdly far away.
            tokio::time::sleep(left.min(Duration::from_secs(30))).await;
        }
    }
}
