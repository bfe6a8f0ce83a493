//! The keys that tokens are checked with. A key is for one algorithm, so a token cannot choose another: one that claims
//! HS256 and is signed with the text of the public key is rejected before its signature is checked.

use std::fmt;

use jsonwebtoken::{Algorithm, DecodingKey};

/// How the Base64 of a public key on the curve P-256 begins (RFC 5480: the algorithm and the curve). The library
/// accepts other curves as well, and then rejects every token.
const P256_PREFIX: &str = "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE";

/// A key and what it is for.
pub struct Key {
    /// Its name in tokens. A key without a name is the only one.
    pub kid: Option<String>,
    /// The only algorithm that is accepted.
    pub algorithm: Algorithm,
    /// The key.
    pub key: DecodingKey,
}

/// Why a file has no keys that can be used.
#[derive(Debug)]
pub enum KeyError {
    /// The file cannot be read.
    Unreadable(std::io::Error),
    /// Neither PEM nor a JWKS.
    NotAKey,
    /// A private key, in PEM or in a JWKS.
    Private,
    /// A JWKS with a secret in it.
    Secret,
    /// It begins like a JWKS, but is not JSON.
    NotJson(serde_json::Error),
    /// It is JSON, but not a JWKS.
    NotAJwks(serde_json::Error),
    /// A JWKS without a key of a supported kind.
    NoKey,
    /// A JWKS with several keys, none of which has a name.
    Unnamed,
    /// A JWKS with two keys of this name.
    Duplicate(Option<String>),
}

impl Key {
    /// A secret that signs and checks.
    pub fn secret(secret: &str) -> Key {
        Key { kid: None, algorithm: Algorithm::HS256, key: DecodingKey::from_secret(secret.as_bytes()) }
    }

    /// A public key in PEM: RSA (RS256) or P-256 (ES256).
    pub fn public(pem: &str) -> Result<Key, KeyError> {
        if pem.contains("PRIVATE KEY") {
            return Err(KeyError::Private);
        }
        if let Ok(key) = DecodingKey::from_rsa_pem(pem.as_bytes()) {
            return Ok(Key { kid: None, algorithm: Algorithm::RS256, key });
        }
        let is_p256 = pem.lines().any(|line| line.starts_with(P256_PREFIX));
        if let (true, Ok(key)) = (is_p256, DecodingKey::from_ec_pem(pem.as_bytes())) {
            return Ok(Key { kid: None, algorithm: Algorithm::ES256, key });
        }
        Err(KeyError::NotAKey)
    }
}

impl fmt::Display for KeyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            KeyError::Unreadable(e) => write!(f, "{e}"),
            KeyError::NotAKey => {
                f.write_str("it is neither a JWKS nor a public key in PEM, of RSA (RS256) or P-256 (ES256)")
            }
            KeyError::Private => f.write_str("it has a private key"),
            KeyError::Secret => f.write_str("it has a secret (`oct`), which is not a public key"),
            KeyError::NotJson(e) => write!(f, "it is not JSON: {e}"),
            KeyError::NotAJwks(e) => write!(f, "it is not a JWKS: {e}"),
            KeyError::NoKey => f.write_str("it has no public key of RSA (RS256) or P-256 (ES256)"),
            KeyError::Unnamed => f.write_str("it has several keys without a `kid`"),
            KeyError::Duplicate(kid) => {
                write!(f, "it has two keys with the `kid` {:?}", kid.as_deref().unwrap_or_default())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_public_key_is_accepted() {
        let error = |pem: &str| Key::public(pem).map(|key| key.kid).unwrap_err();
        assert!(matches!(error("nonsense"), KeyError::NotAKey));
        let private = "-----BEGIN PRIVATE KEY-----\nMC4=\n-----END PRIVATE KEY-----";
        assert!(matches!(error(private), KeyError::Private));
        let certificate = "-----BEGIN CERTIFICATE-----\nMC4=\n-----END CERTIFICATE-----";
        assert!(matches!(error(certificate), KeyError::NotAKey));
    }
}
