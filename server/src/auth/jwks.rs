//! A JWKS (RFC 7517 §5): public keys with names, as identity providers publish them.

use std::collections::HashSet;

use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, KeyAlgorithm, KeyOperations, PublicKeyUse};
use jsonwebtoken::{Algorithm, DecodingKey};
use serde::Deserialize;
use serde_json::Value;
use tracing::warn;

use super::key::Key;

#[derive(Deserialize)]
struct Set {
    // Each is read by itself: one that is not understood is left out (RFC 7517 §5).
    keys: Vec<Value>,
}

/// The keys of a set that tokens can be checked with; the others are left out, which is logged. Or what is wrong
/// with it, as a sentence without its subject.
pub fn keys(text: &str) -> Result<Vec<Key>, String> {
    let value: Value = serde_json::from_str(text).map_err(|e| format!("is not JSON: {e}"))?;
    if let Some(problem) = secret(&value) {
        return Err(problem.into());
    }
    let set: Set = serde_json::from_value(value).map_err(|e| format!("is not a JWKS: {e}"))?;
    let mut found = Vec::new();
    for jwk in set.keys {
        let kid = jwk["kid"].as_str().map(str::to_owned);
        let read = serde_json::from_value(jwk).map_err(|_| "it is no JWK that is understood here");
        match read.and_then(|jwk: Jwk| key(&jwk)) {
            Ok(key) => found.push(key),
            Err(why) => left_out(kid.as_deref(), why),
        }
    }
    if found.len() > 1 {
        found.retain(|key| {
            if key.kid.is_none() {
                left_out(None, "it has no `kid`, by which a token could choose it among several");
            }
            key.kid.is_some()
        });
        if found.is_empty() {
            return Err("has several keys without a `kid`".into());
        }
    }
    let mut names = HashSet::new();
    if let Some(twice) = found.iter().find(|key| !names.insert(key.kid.as_deref())) {
        return Err(format!("has two keys with the `kid` {:?}", twice.kid.as_deref().unwrap_or_default()));
    }
    match found.is_empty() {
        true => Err("has no public key of RSA (RS256) or P-256 (ES256)".into()),
        false => Ok(found),
    }
}

fn left_out(kid: Option<&str>, why: &str) {
    warn!("the key {:?} of the JWKS is left out: {why}", kid.unwrap_or("without a name"));
}

/// Whether there is something in it that would sign tokens.
fn secret(set: &Value) -> Option<&'static str> {
    let keys = set["keys"].as_array()?;
    if keys.iter().any(|key| key["kty"] == "oct") {
        return Some("has a secret (`oct`), which is no public key: give it with --token-secret");
    }
    let private = keys.iter().any(|key| key.get("d").is_some());
    private
        .then_some("has a private key (`d`): keep it where tokens are signed, and give its public key here")
}

fn key(jwk: &Jwk) -> Result<Key, &'static str> {
    let common = &jwk.common;
    if common.public_key_use.as_ref().is_some_and(|used| *used != PublicKeyUse::Signature) {
        return Err("it is not for signatures (`use`)");
    }
    if common.key_operations.as_ref().is_some_and(|allowed| !allowed.contains(&KeyOperations::Verify)) {
        return Err("it is not for checking signatures (`key_ops`)");
    }
    let algorithm = match &jwk.algorithm {
        AlgorithmParameters::RSA(_) => Algorithm::RS256,
        AlgorithmParameters::EllipticCurve(key) if key.curve == EllipticCurve::P256 => Algorithm::ES256,
        _ => return Err("it is neither RSA nor P-256"),
    };
    match (common.key_algorithm, algorithm) {
        (None, _) | (Some(KeyAlgorithm::RS256), Algorithm::RS256) => {}
        (Some(KeyAlgorithm::ES256), Algorithm::ES256) => {}
        _ => return Err("its `alg` is another one than RS256 for RSA and ES256 for P-256"),
    }
    let key = DecodingKey::from_jwk(jwk).map_err(|_| "its numbers are not readable")?;
    Ok(Key { kid: common.key_id.clone(), algorithm, key })
}

#[cfg(test)]
mod tests {
    const RSA: &str = r#"{"kty":"RSA","kid":"r","n":"AQAB","e":"AQAB"}"#;

    fn read(keys: &[&str]) -> Result<Vec<Option<String>>, String> {
        let text = format!(r#"{{"keys":[{}]}}"#, keys.join(","));
        Ok(super::keys(&text)?.into_iter().map(|key| key.kid).collect())
    }

    #[test]
    fn what_cannot_check_a_token_is_left_out() {
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
            r#"{"kty":"EC","kid":"other","crv":"P-384","x":"AA","y":"AA"}"#.into(),
            r#"{"kty":"OKP","kid":"other","crv":"Ed25519","x":"AA"}"#.into(),
            r#"{"kty":"new","kid":"other"}"#.into(),
            r#"{"kty":"RSA","kid":"other"}"#.into(),
            r#"{"kid":"other"}"#.into(),
            "7".into(),
        ] {
            assert_eq!(read(&[RSA, &other]), Ok(vec![Some("r".into())]), "{other}");
            assert!(read(&[&other]).unwrap_err().contains("no public key"), "{other}");
        }
        assert!(read(&[&with(r#""use":"sig","key_ops":["verify","x"],"alg":"RS256""#)]).is_ok());
    }

    #[test]
    fn what_is_no_set_of_public_keys_with_names_is_refused() {
        let problem = |keys: &[&str]| read(keys).unwrap_err();
        assert!(problem(&[r#"{"kty":"oct","k":"aHVzaA"}"#, RSA]).contains("--token-secret"));
        assert!(problem(&[&RSA.replace(r#""e""#, r#""d":"AA","e""#)]).contains("private"));
        assert!(problem(&[RSA, RSA]).contains("two keys"));
        let nameless = RSA.replace(r#""kid":"r","#, "");
        assert!(problem(&[&nameless, &nameless]).contains("without a `kid`"));
        assert_eq!(read(&[&nameless]), Ok(vec![None]));
        assert_eq!(read(&[&nameless, RSA, &nameless]), Ok(vec![Some("r".into())]));
        assert!(super::keys("{").is_err_and(|e| e.contains("JSON")));
        assert!(super::keys(RSA).is_err_and(|e| e.contains("`keys`")));
    }
}
