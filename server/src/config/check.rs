//! Settings that are rejected although each value is valid.

use super::{Config, REDACTED};
use crate::error::SetupError;

impl Config {
    /// Rejects settings that contradict each other, or that would let anyone in by accident.
    pub fn check(&self) -> Result<(), SetupError> {
        if self.tls_cert.is_some() != self.tls_key.is_some() {
            let error = SetupError::new("cannot use TLS", "--tls-cert and --tls-key belong together");
            return Err(error.advice("Give both, or neither."));
        }
        if self.authorize_url.is_some() && !self.asks_for_tokens() {
            let error = SetupError::new("cannot use --authorize-url", "it needs tokens, which name the user");
            return Err(error.advice("Give --token-secret or --token-key."));
        }
        self.check_token_secret()?;
        if self.asks_for_tokens() || self.listen.ip().is_loopback() {
            return Ok(());
        }
        let what = format!("cannot listen on {} without tokens", self.listen);
        let why =
            "it is not a loopback address, so anyone who can reach it could read and write every channel";
        Err(SetupError::new(what, why)
            .advice("Give --token-secret (or SEAMLINE_TOKEN_SECRET) or --token-key, or listen on 127.0.0.1."))
    }

    fn check_token_secret(&self) -> Result<(), SetupError> {
        let refuse =
            |why: &str, advice| Err(SetupError::new("cannot use the token secret", why).advice(advice));
        match self.token_secret.as_deref() {
            Some("") => refuse("it is empty", "Give at least 32 random bytes."),
            Some(REDACTED) => refuse(
                "`…` is what --print-config prints instead of a secret",
                "Give the secret itself, best as SEAMLINE_TOKEN_SECRET.",
            ),
            Some(_) if self.token_key.is_some() => refuse("there is a --token-key, too", "Give one of them."),
            _ => Ok(()),
        }
    }
}
