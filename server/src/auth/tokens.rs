//! How tokens are checked: with the key that they name, and with the one algorithm that this key is for.

use std::fmt;
use std::time::Duration;

use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::{Algorithm, Header, Validation, decode, decode_header};
use serde::{Deserialize, Deserializer};

use super::key::Key;
use super::key_source::Keys;
use super::{Access, User};
use crate::time::since_unix_epoch;

/// Why a token is rejected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TokenError {
    /// There is none.
    Missing,
    /// It cannot be read.
    Malformed,
    /// Its header has extensions that are not supported.
    Extended,
    /// Its signature does not match.
    Signature,
    /// It is signed in another way than with one of these.
    Algorithm(Vec<Algorithm>),
    /// It does not name the key that it is signed with.
    NoKeyName,
    /// It names a key that the server does not have.
    UnknownKey,
    /// It does not name its user and when it expires.
    NoClaims,
    /// It does not name its audience.
    NoAudience,
    /// It names another audience.
    Audience,
    /// It has expired.
    Expired,
    /// It is not valid yet.
    NotYetValid,
}

impl fmt::Display for TokenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            TokenError::Missing => "a token is required",
            TokenError::Malformed => "the token is malformed",
            TokenError::Extended => {
                "the token's header has extensions (`crit`, `b64`) that this server does not support"
            }
            TokenError::Signature => "the token's signature does not match",
            TokenError::Algorithm(algorithms) => {
                let mut names: Vec<_> = algorithms.iter().map(|algorithm| format!("{algorithm:?}")).collect();
                names.sort();
                names.dedup();
                return write!(f, "the token must be signed with {}", names.join(" or "));
            }
            TokenError::NoKeyName => "the token must name the key that it is signed with (`kid`)",
            TokenError::UnknownKey => "the token is signed with a key (`kid`) that this server does not have",
            TokenError::NoClaims => "the token needs the claims `sub` (text) and `exp` (number)",
            TokenError::NoAudience => "the token needs the claim `aud`",
            TokenError::Audience => "the token is for another audience",
            TokenError::Expired => "the token has expired",
            TokenError::NotYetValid => "the token is not valid yet",
        })
    }
}

/// The keys, and what a token must have besides a signature.
pub struct Tokens {
    /// The keys.
    pub keys: Keys,
    validation: Validation,
}

#[derive(Deserialize)]
struct Claims {
    // Optional, so that the validation finds it missing, and reports that.
    sub: Option<String>,
    // NumericDate may have a fraction (RFC 7519 §2).
    exp: Option<f64>,
    #[serde(default, deserialize_with = "number")]
    nbf: Option<f64>,
    #[serde(default)]
    channels: Access,
}

/// An optional number. `null` is not one.
fn number<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<f64>, D::Error> {
    f64::deserialize(deserializer).map(Some)
}

impl Tokens {
    /// Signed for one of these keys, and for this audience if there is one.
    pub fn new(keys: Keys, audience: Option<&str>) -> Tokens {
        Tokens { keys, validation: validation(audience) }
    }

    /// Checks a token. Returns whose it is.
    pub fn check(&self, token: &str) -> Result<User, TokenError> {
        let keys = self.keys.get();
        let all: Vec<Algorithm> = keys.iter().map(|key| key.algorithm).collect();
        let header = decode_header(token).map_err(|e| rejected(e.kind(), &all))?;
        if is_extended(&header) {
            return Err(TokenError::Extended);
        }
        let key = chosen(&keys, header.kid.as_deref())?;
        let mut validation = self.validation.clone();
        validation.algorithms = vec![key.algorithm]; // not the one that the token claims
        let decoded = decode::<Claims>(token, &key.key, &validation);
        match decoded.map_err(|e| rejected(e.kind(), &validation.algorithms))?.claims {
            Claims { sub: Some(name), exp: Some(exp), nbf, channels } => {
                let expires = valid_until(exp, nbf, since_unix_epoch())?;
                Ok(User { name: name.into(), expires: Some(expires), access: channels })
            }
            _ => Err(TokenError::NoClaims),
        }
    }
}

/// Whether the header has extensions. Critical ones must be understood, and none are (RFC 7515 §4.1.11); a token's
/// payload is never unencoded (RFC 7797 §7).
fn is_extended(header: &Header) -> bool {
    header.crit.is_some() || header.extras.inner().get("b64").is_some_and(|b64| *b64 != true)
}

/// When a token expires, since the Unix epoch. It is valid from `nbf` on, and until just before `exp` (RFC 7519 §4.1.4
/// and §4.1.5). There is no leeway: a connection lives exactly as long as its token.
fn valid_until(exp: f64, nbf: Option<f64>, now: Duration) -> Result<Duration, TokenError> {
    let expires = date(exp);
    if now >= expires {
        return Err(TokenError::Expired);
    }
    if nbf.is_some_and(|nbf| now < date(nbf)) {
        return Err(TokenError::NotYetValid);
    }
    Ok(expires)
}

/// A NumericDate. One before the epoch is the epoch.
fn date(seconds: f64) -> Duration {
    Duration::try_from_secs_f64(seconds.max(0.0)).unwrap_or(Duration::MAX)
}

/// Chooses the key. One without a name is the only one, and is for all tokens. A token that names none is for the only
/// key.
fn chosen<'k>(keys: &'k [Key], kid: Option<&str>) -> Result<&'k Key, TokenError> {
    match (keys, kid) {
        ([only], kid) if only.kid.is_none() || kid.is_none() => Ok(only),
        (_, None) => Err(TokenError::NoKeyName),
        (keys, kid) => {
            let named = keys.iter().find(|key| key.kid.as_deref() == kid);
            named.ok_or(TokenError::UnknownKey)
        }
    }
}

fn validation(audience: Option<&str>) -> Validation {
    let mut validation = Validation::default(); // its algorithm is replaced by the key's
    validation.set_required_spec_claims(&["exp", "sub"]);
    validation.validate_exp = false; // the library's is in whole seconds: see `valid_until`
    match audience {
        Some(audience) => {
            validation.set_audience(&[audience]);
            validation.set_required_spec_claims(&["exp", "sub", "aud"]);
        }
        None => validation.validate_aud = false, // the server does not know its audience
    }
    validation
}

fn rejected(kind: &ErrorKind, algorithms: &[Algorithm]) -> TokenError {
    match kind {
        ErrorKind::InvalidSignature => TokenError::Signature,
        ErrorKind::InvalidAudience => TokenError::Audience,
        ErrorKind::InvalidAlgorithm
        | ErrorKind::InvalidAlgorithmName
        | ErrorKind::UnsupportedAlgorithm
        | ErrorKind::MissingAlgorithm => TokenError::Algorithm(algorithms.to_vec()),
        ErrorKind::MissingRequiredClaim(claim) if claim == "aud" => TokenError::NoAudience,
        ErrorKind::MissingRequiredClaim(_) | ErrorKind::InvalidClaimFormat(_) => TokenError::NoClaims,
        _ => TokenError::Malformed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_valid_from_nbf_until_just_before_exp() {
        let at = |exp, nbf, now_ms| valid_until(exp, nbf, Duration::from_millis(now_ms));
        assert_eq!(at(10.0, None, 9_999), Ok(Duration::from_secs(10)));
        assert_eq!(at(10.0, None, 10_000), Err(TokenError::Expired), "on the second");
        assert_eq!(at(10.0, None, 10_999), Err(TokenError::Expired));
        assert_eq!(at(10.5, None, 10_499), Ok(Duration::from_millis(10_500)));
        assert_eq!(at(10.5, None, 10_500), Err(TokenError::Expired));
        assert_eq!(at(10.0, Some(5.4), 5_399), Err(TokenError::NotYetValid));
        assert_eq!(at(10.0, Some(5.4), 5_400), Ok(Duration::from_secs(10)));
        assert_eq!(at(10.0, Some(-5.0), 0), Ok(Duration::from_secs(10)));
        assert_eq!(at(-1.0, None, 0), Err(TokenError::Expired));
        assert_eq!(at(1e300, None, 0), Ok(Duration::MAX));
    }
}
