//! Settings that are rejected although each value is valid.

use std::net::SocketAddr;

use super::{Config, ForwardedHeader, REDACTED};
use crate::error::SetupError;

/// As many as the hash of HS256 has (RFC 7518 §3.2). A shorter secret can be guessed from a token.
const SECRET_BYTES_MIN: usize = 32;

const NEW_SECRET: &str = "Give --token-secret (best as SEAMLINE_TOKEN_SECRET) at least 32 random bytes, such as those \
                          that `openssl rand -base64 32` prints.";

impl Config {
    /// Rejects settings that contradict each other, or that would let anyone in by accident.
    pub fn check(&self) -> Result<(), SetupError> {
        if self.tls_cert.is_some() != self.tls_key.is_some() {
            let error = SetupError::new("cannot use TLS", "--tls-cert and --tls-key belong together");
            return Err(error.advice("Give both, or neither."));
        }
        self.check_proxies()?;
        self.check_token_keys()?;
        self.check_token_secret()?;
        self.check_use_of_tokens()?;
        self.check_admin()?;
        if self.asks_for_tokens() || self.listen.ip().is_loopback() {
            return Ok(());
        }
        let what = format!("cannot listen on {} without tokens", self.listen);
        let why =
            "it is not a loopback address, so anyone who can reach it could read and write every channel";
        Err(SetupError::new(what, why).advice(
            "Give --token-secret (or SEAMLINE_TOKEN_SECRET), --token-key or --token-jwks-url, or listen on \
                 127.0.0.1 with --listen.",
        ))
    }

    fn check_token_keys(&self) -> Result<(), SetupError> {
        let sources = [
            self.token_secret.as_ref().map(|_| "--token-secret"),
            self.token_key.as_ref().map(|_| "--token-key"),
            self.token_jwks_url.as_ref().map(|_| "--token-jwks-url"),
        ];
        match sources.into_iter().flatten().collect::<Vec<_>>()[..] {
            [first, second, ..] => {
                let error = SetupError::new("cannot check tokens", format!("there are {first} and {second}"));
                Err(error.advice("Give one of them."))
            }
            _ => Ok(()),
        }
    }

    /// Without tokens, these options would have no effect: anyone would be let in.
    fn check_use_of_tokens(&self) -> Result<(), SetupError> {
        let (what, why) = match () {
            () if self.asks_for_tokens() => return Ok(()),
            () if self.authorize_url.is_some() => {
                ("cannot use --authorize-url", "it needs tokens, which name the user")
            }
            () if self.token_audience.is_some() => {
                ("cannot use --token-audience", "there is no key to verify tokens with")
            }
            () => return Ok(()),
        };
        Err(SetupError::new(what, why).advice("Give --token-secret, --token-key or --token-jwks-url."))
    }

    fn check_proxies(&self) -> Result<(), SetupError> {
        let networks = !self.trusted_proxies.is_empty();
        if networks && self.trust_forwarded_for {
            let error =
                SetupError::new("cannot use --trusted-proxies", "there is a --trust-forwarded-for, too");
            return Err(error.advice("Give one of them."));
        }
        if self.forwarded_header == ForwardedHeader::Forwarded && !networks && !self.trust_forwarded_for {
            let error = SetupError::new("cannot use --forwarded-header", "no proxy is trusted");
            return Err(error.advice("Give the addresses of your proxies with --trusted-proxies."));
        }
        Ok(())
    }

    fn check_token_secret(&self) -> Result<(), SetupError> {
        let refuse =
            |why: &str, advice| Err(SetupError::new("cannot use the token secret", why).advice(advice));
        match self.token_secret.as_deref() {
            Some("") => refuse("it is empty", NEW_SECRET),
            Some(REDACTED) => refuse(
                "`…` is what --print-config prints instead of a secret",
                "Give --token-secret the secret itself, best as SEAMLINE_TOKEN_SECRET.",
            ),
            Some(secret) if secret.len() < SECRET_BYTES_MIN => {
                refuse(&format!("it has {} bytes, and could be guessed", secret.len()), NEW_SECRET)
            }
            _ => Ok(()),
        }
    }

    fn check_admin(&self) -> Result<(), SetupError> {
        let refuse = |why: &str, advice| Err(SetupError::new("cannot use --admin-token", why).advice(advice));
        match (self.admin_token.as_deref(), self.admin_listen) {
            (Some(REDACTED), _) => refuse(
                "`…` is what --print-config prints instead of a secret",
                "Give the secret itself, best as SEAMLINE_ADMIN_TOKEN.",
            ),
            (Some(token), _) if token.len() < SECRET_BYTES_MIN => refuse(
                &format!("it has {} bytes, but needs {SECRET_BYTES_MIN}", token.len()),
                "Give random bytes, such as the output of `openssl rand -base64 32`.",
            ),
            (Some(_), None) => refuse("there is no admin API", "Give --admin-listen, too."),
            (_, Some(address)) if overlap(address, self.listen) => {
                let what = format!("cannot open the admin API on {address}");
                Err(SetupError::new(what, format!("--listen takes this port with {}", self.listen))
                    .advice("Give --admin-listen another port."))
            }
            (None, Some(address)) if !address.ip().is_loopback() => {
                let what = format!("cannot open the admin API on {address} without a token");
                let why = "it is not a loopback address, so anyone who can reach it could read and delete every channel";
                Err(SetupError::new(what, why)
                    .advice("Give --admin-token (or SEAMLINE_ADMIN_TOKEN), or listen on 127.0.0.1."))
            }
            _ => Ok(()),
        }
    }
}

/// Whether two sockets cannot both listen there. Port 0 is a different port each time.
fn overlap(one: SocketAddr, other: SocketAddr) -> bool {
    let everywhere = one.ip().is_unspecified() || other.ip().is_unspecified();
    one.port() != 0 && one.port() == other.port() && (everywhere || one.ip() == other.ip())
}
