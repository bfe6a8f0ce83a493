//! The file that has the public keys: one key in PEM, or a JWKS.

use std::path::Path;

use super::jwks;
use super::key::{Key, KeyError};
use crate::error::SetupError;

/// Reads the keys.
pub fn read(path: &Path) -> Result<Vec<Key>, SetupError> {
    let keys = std::fs::read(path).map_err(KeyError::Unreadable).and_then(|text| parse(&text));
    keys.map_err(|e| {
        SetupError::new(format!("cannot use the token key {}", path.display()), &e).advice(advice(&e))
    })
}

fn parse(text: &[u8]) -> Result<Vec<Key>, KeyError> {
    let text = String::from_utf8_lossy(text);
    match text.trim_start().starts_with('{') {
        true => jwks::keys(&text),
        false => Ok(vec![Key::public(&text)?]),
    }
}

/// What to do about it.
pub fn advice(e: &KeyError) -> &'static str {
    match e {
        KeyError::Unreadable(_) => "Give --token-key a file that the server may read.",
        KeyError::NotAKey => {
            "Give a public key of one of these kinds that begins with `-----BEGIN PUBLIC KEY-----`."
        }
        KeyError::Private => "Keep it where tokens are signed, and give its public key here.",
        KeyError::Secret => "Give a secret with --token-secret.",
        KeyError::NotJson(_) | KeyError::NotAJwks(_) => "Give a JWKS: `{\"keys\": [...]}`.",
        KeyError::NoKey => "Give at least one key of one of these kinds.",
        KeyError::Unnamed | KeyError::Duplicate(_) => "Give each key a `kid` of its own.",
    }
}
