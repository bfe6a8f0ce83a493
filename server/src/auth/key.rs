//! The keys that tokens are checked with. A key is for one algorithm, so a token cannot choose another: one that claims
//! HS256 and is signed with the text of the public key is rejected before its signature is checked.

use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

use jsonwebtoken::crypto::rust_crypto::DEFAULT_PROVIDER;
use jsonwebtoken::{Algorithm, DecodingKey};

/// How the Base64 of a public key begins (RFC 5480 and RFC 8410: the algorithm and the curve), and what it is for.
const PREFIXES: [(&str, Algorithm); 3] = [
    ("MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE", Algorithm::ES256),
    ("MHYwEAYHKoZIzj0CAQYFK4EEACIDYgAE", Algorithm::ES384),
    ("MCowBQYDK2VwAyEA", Algorithm::EdDSA),
];

/// The library takes the first bytes of a key that is longer, and panics if it is shorter.
const ED25519_BYTES: usize = 32;

/// The kinds of public keys, for messages.
pub const KINDS: &str = "RSA (RS256), P-256 (ES256), P-384 (ES384) or Ed25519 (EdDSA)";

/// A key and what it is for.
pub struct Key {
    /// Its name in tokens. A key without a name is the only one.
    pub kid: Option<String>,
    /// The only algorithm that is accepted.
    pub algorithm: Algorithm,
    /// The key.
    pub key: DecodingKey,
}

/// The keys in use. They are replaced as a whole.
pub struct KeySet(RwLock<Arc<[Key]>>);

impl KeySet {
    /// These keys, for now.
    pub fn new(keys: Vec<Key>) -> KeySet {
        KeySet(RwLock::new(keys.into()))
    }

    /// The present keys.
    pub fn get(&self) -> Arc<[Key]> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Uses these from now on.
    pub fn replace(&self, keys: Vec<Key>) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = keys.into();
    }
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

    /// A public key in PEM, of one of [`KINDS`].
    pub fn public(pem: &str) -> Result<Key, KeyError> {
        if pem.contains("PRIVATE KEY") {
            return Err(KeyError::Private);
        }
        if let Ok(key) = DecodingKey::from_rsa_pem(pem.as_bytes()) {
            return Ok(Key { kid: None, algorithm: Algorithm::RS256, key });
        }
        let begins = |prefix| pem.lines().any(|line| line.starts_with(prefix));
        let algorithm =
            PREFIXES.into_iter().find(|(prefix, _)| begins(*prefix)).map(|(_, algorithm)| algorithm);
        let algorithm = algorithm.ok_or(KeyError::NotAKey)?;
        let key = match algorithm {
            Algorithm::EdDSA => DecodingKey::from_ed_pem(pem.as_bytes()),
            _ => DecodingKey::from_ec_pem(pem.as_bytes()),
        };
        Key::of_curve(None, algorithm, key.map_err(|_| KeyError::NotAKey)?).ok_or(KeyError::NotAKey)
    }

    /// A key of an elliptic curve; `None` if it is not a point of that curve. The library accepts it, and then rejects
    /// every token.
    pub fn of_curve(kid: Option<String>, algorithm: Algorithm, key: DecodingKey) -> Option<Key> {
        let bytes = key.try_get_as_bytes().ok()?.len();
        let has_length = algorithm != Algorithm::EdDSA || bytes == ED25519_BYTES;
        let is_usable = has_length && (DEFAULT_PROVIDER.verifier_factory)(&algorithm, &key).is_ok();
        is_usable.then_some(Key { kid, algorithm, key })
    }
}

impl fmt::Display for KeyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            KeyError::Unreadable(e) => write!(f, "{e}"),
            KeyError::NotAKey => write!(f, "it is neither a JWKS nor a public key in PEM, of {KINDS}"),
            KeyError::Private => f.write_str("it has a private key"),
            KeyError::Secret => f.write_str("it has a secret (`oct`), which is not a public key"),
            KeyError::NotJson(e) => write!(f, "it is not JSON: {e}"),
            KeyError::NotAJwks(e) => write!(f, "it is not a JWKS: {e}"),
            KeyError::NoKey => write!(f, "it has no public key of {KINDS}"),
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
