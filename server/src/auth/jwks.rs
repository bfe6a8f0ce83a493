//! A JWKS (RFC 7517 §5): public keys with names, as identity providers publish them.

use std::collections::HashSet;
use std::fmt;

use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, KeyAlgorithm, KeyOperations, PublicKeyUse};
use jsonwebtoken::{Algorithm, DecodingKey};
use serde::Deserialize;
use serde_json::Value;
use tracing::warn;

use super::key::{KINDS, Key, KeyError};

#[derive(Deserialize)]
struct Set {
    // Each is read by itself: one that is not understood is skipped (RFC 7517 §5).
    keys: Vec<Value>,
}

/// The keys of a set that tokens can be checked with. The others are skipped, which is logged.
pub fn keys(text: &str) -> Result<Vec<Key>, KeyError> {
    let value: Value = serde_json::from_str(text).map_err(KeyError::NotJson)?;
    check_public(&value)?;
    let set: Set = serde_json::from_value(value).map_err(KeyError::NotAJwks)?;
    let mut found = Vec::new();
    for jwk in set.keys {
        let kid = jwk["kid"].as_str().map(str::to_owned);
        let read = serde_json::from_value(jwk).map_err(|_| Skipped::Unknown);
        match read.and_then(|jwk: Jwk| key(&jwk)) {
            Ok(key) => found.push(key),
            Err(why) => skip(kid.as_deref(), why),
        }
    }
    if found.len() > 1 {
        found.retain(|key| {
            if key.kid.is_none() {
                skip(None, Skipped::Unnamed);
            }
            key.kid.is_some()
        });
        if found.is_empty() {
            return Err(KeyError::Unnamed);
        }
    }
    let mut names = HashSet::new();
    if let Some(twice) = found.iter().find(|key| !names.insert(key.kid.as_deref())) {
        return Err(KeyError::Duplicate(twice.kid.clone()));
    }
    if found.is_empty() { Err(KeyError::NoKey) } else { Ok(found) }
}

/// Why a key of a set is skipped.
enum Skipped {
    Unknown,
    Unnamed,
    Use,
    Operations,
    Kind,
    /// Its `alg` is not this.
    Algorithm(Algorithm),
    Numbers,
}

impl fmt::Display for Skipped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Skipped::Unknown => "it is not a JWK that this server understands",
            Skipped::Unnamed => "it has no `kid`, so a token could not name it among several",
            Skipped::Use => "it is not for signatures (`use`)",
            Skipped::Operations => "it is not for checking signatures (`key_ops`)",
            Skipped::Kind => return write!(f, "it is not of {KINDS}"),
            Skipped::Algorithm(kind) => {
                return write!(f, "its `alg` is not {kind:?}, which is what its kind is for");
            }
            Skipped::Numbers => "its numbers cannot be read",
        })
    }
}

fn skip(kid: Option<&str>, why: Skipped) {
    warn!("skipped the key {:?} of the JWKS: {why}", kid.unwrap_or("without a `kid`"));
}

/// Rejects a set with something in it that would sign tokens.
fn check_public(set: &Value) -> Result<(), KeyError> {
    let Some(keys) = set["keys"].as_array() else { return Ok(()) };
    if keys.iter().any(|key| key["kty"] == "oct") {
        return Err(KeyError::Secret);
    }
    if keys.iter().any(|key| key.get("d").is_some()) { Err(KeyError::Private) } else { Ok(()) }
}

fn key(jwk: &Jwk) -> Result<Key, Skipped> {
    let common = &jwk.common;
    if common.public_key_use.as_ref().is_some_and(|used| *used != PublicKeyUse::Signature) {
        return Err(Skipped::Use);
    }
    if common.key_operations.as_ref().is_some_and(|allowed| !allowed.contains(&KeyOperations::Verify)) {
        return Err(Skipped::Operations);
    }
    let (algorithm, named) = match &jwk.algorithm {
        AlgorithmParameters::RSA(_) => (Algorithm::RS256, KeyAlgorithm::RS256),
        AlgorithmParameters::EllipticCurve(key) if key.curve == EllipticCurve::P256 => {
            (Algorithm::ES256, KeyAlgorithm::ES256)
        }
        AlgorithmParameters::EllipticCurve(key) if key.curve == EllipticCurve::P384 => {
            (Algorithm::ES384, KeyAlgorithm::ES384)
        }
        AlgorithmParameters::OctetKeyPair(key) if key.curve == EllipticCurve::Ed25519 => {
            (Algorithm::EdDSA, KeyAlgorithm::EdDSA)
        }
        _ => return Err(Skipped::Kind),
    };
    if common.key_algorithm.is_some_and(|claimed| claimed != named) {
        return Err(Skipped::Algorithm(algorithm));
    }
    let (kid, key) = (common.key_id.clone(), DecodingKey::from_jwk(jwk).map_err(|_| Skipped::Numbers)?);
    match algorithm {
        Algorithm::RS256 => Ok(Key { kid, algorithm, key }),
        _ => Key::of_curve(kid, algorithm, key).ok_or(Skipped::Numbers),
    }
}

#[cfg(test)]
mod tests {
    const ED: &str =
        r#"{"kty":"OKP","kid":"ed","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#;
    const RSA: &str = r#"{"kty":"RSA","kid":"r","n":"AQAB","e":"AQAB"}"#;

    use super::KeyError;

    fn read(keys: &[&str]) -> Result<Vec<Option<String>>, KeyError> {
        let text = format!(r#"{{"keys":[{}]}}"#, keys.join(","));
        Ok(super::keys(&text)?.into_iter().map(|key| key.kid).collect())
    }

    #[test]
    fn keys_that_cannot_check_a_token_are_skipped() {
        let with = |more: &str| RSA.replace(r#""kid":"r""#, &format!(r#""kid":"other",{more}"#));
        for other in [
            with(r#""use":"enc""#),
            with(r#""key_ops":["encrypt","wrapKey"]"#),
            with(r#""key_ops":["sign"]"#),
            with(r#""key_ops":[]"#),
            with(r#""key_ops":"verify""#),
            with(r#""use":["sig"]"#),
            with(r#""alg":"RS512""#),
            with(r#""alg":"HS256""#),
            with(r#""alg":"ES256""#),
            with(r#""alg":"none""#),
            r#"{"kty":"EC","kid":"other","crv":"P-256","x":"AA","y":"AA"}"#.into(),
            r#"{"kty":"EC","kid":"other","crv":"P-384","x":"AA","y":"AA"}"#.into(),
            r#"{"kty":"EC","kid":"other","crv":"P-521","x":"AA","y":"AA"}"#.into(),
            r#"{"kty":"OKP","kid":"other","crv":"Ed25519","x":"AA"}"#.into(),
            r#"{"kty":"OKP","kid":"other","crv":"Ed448","x":"AA"}"#.into(),
            ED.replace(r#""ed""#, r#""other","alg":"ES256""#),
            // One byte more than a key has.
            ED.replace(r#""ed""#, r#""other""#).replace("URo", "URoA"),
            r#"{"kty":"new","kid":"other"}"#.into(),
            r#"{"kty":"RSA","kid":"other"}"#.into(),
            r#"{"kid":"other"}"#.into(),
            "7".into(),
        ] {
            assert_eq!(read(&[RSA, &other]).unwrap(), [Some("r".into())], "{other}");
            assert!(matches!(read(&[&other]), Err(KeyError::NoKey)), "{other}");
        }
        assert!(read(&[&with(r#""use":"sig","key_ops":["verify","x"],"alg":"RS256""#)]).is_ok());
        assert_eq!(read(&[ED]).unwrap(), [Some("ed".into())]);
        assert!(read(&[&ED.replace(r#""kid""#, r#""alg":"EdDSA","kid""#)]).is_ok());
    }

    #[test]
    fn only_public_keys_with_names_are_accepted() {
        let error = |keys: &[&str]| read(keys).unwrap_err();
        assert!(matches!(error(&[r#"{"kty":"oct","k":"aHVzaA"}"#, RSA]), KeyError::Secret));
        assert!(matches!(error(&[&RSA.replace(r#""e""#, r#""d":"AA","e""#)]), KeyError::Private));
        assert!(matches!(error(&[RSA, RSA]), KeyError::Duplicate(Some(kid)) if kid == "r"));
        let nameless = RSA.replace(r#""kid":"r","#, "");
        assert!(matches!(error(&[&nameless, &nameless]), KeyError::Unnamed));
        assert_eq!(read(&[&nameless]).unwrap(), [None]);
        assert_eq!(read(&[&nameless, RSA, &nameless]).unwrap(), [Some("r".into())]);
        assert!(matches!(super::keys("{"), Err(KeyError::NotJson(_))));
        assert!(matches!(super::keys(RSA), Err(KeyError::NotAJwks(_))));
    }
}
