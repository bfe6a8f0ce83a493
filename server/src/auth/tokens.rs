//! How tokens are checked: with the key that they name, and with the one algorithm that this key is for.

use std::path::PathBuf;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::{Algorithm, Header, Validation, decode, decode_header};
use serde::{Deserialize, Deserializer};

use super::key::Key;
use super::{Access, Refused, User};
use crate::time::since_unix_epoch;

const CLAIMS_NEEDED: &str = "the token needs the claims `sub` (text) and `exp` (number)";
const EXTENDED: &str = "the token's header has extensions (`crit`, `b64`) that this server does not support";
const EXPIRED: &str = "the token has expired";
const NOT_YET: &str = "the token is not valid yet";

/// Keys, and what a token must have besides a signature.
pub struct Tokens {
    // Replaced as a whole. Not empty.
    keys: RwLock<Arc<[Key]>>,
    file: Option<PathBuf>,
    validation: Validation,
}

#[derive(Deserialize)]
struct Claims {
    // Optional, so that it is the validation that finds them missing, and says so.
    sub: Option<String>,
    // NumericDate may have a fraction (RFC 7519 §2).
    exp: Option<f64>,
    #[serde(default, deserialize_with = "number")]
    nbf: Option<f64>,
    #[serde(default)]
    channels: Access,
}

/// A number, if it is there: `null` is none.
fn number<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<f64>, D::Error> {
    f64::deserialize(deserializer).map(Some)
}

impl Tokens {
    /// Signed with a secret.
    pub fn with_secret(secret: &str, audience: Option<&str>) -> Tokens {
        let keys = RwLock::new([Key::secret(secret)].into());
        Tokens { keys, file: None, validation: validation(audience) }
    }

    /// Signed for the keys in a file.
    pub fn with_file(file: PathBuf, audience: Option<&str>) -> Result<Tokens, String> {
        let keys = RwLock::new(Key::read(&file)?.into());
        Ok(Tokens { keys, file: Some(file), validation: validation(audience) })
    }

    /// Reads the file again, if there is one. Keeps what it had if something is wrong.
    pub fn reload(&self) -> Option<Result<(), String>> {
        let read = Key::read(self.file.as_ref()?);
        Some(read.map(|keys| *self.keys.write().unwrap_or_else(PoisonError::into_inner) = keys.into()))
    }

    /// Whose token it is.
    pub fn check(&self, token: &str) -> Result<User, Refused> {
        let keys = self.keys.read().unwrap_or_else(PoisonError::into_inner).clone();
        let all: Vec<Algorithm> = keys.iter().map(|key| key.algorithm).collect();
        let header = decode_header(token).map_err(|e| refused(e.kind(), &all))?;
        if is_extended(&header) {
            return Err(Refused(EXTENDED.into()));
        }
        let key = chosen(&keys, header.kid.as_deref()).map_err(|problem| Refused(problem.into()))?;
        // Not what the token says of itself.
        let algorithms = vec![key.algorithm];
        let mut validation = self.validation.clone();
        validation.algorithms = algorithms;
        let decoded = decode::<Claims>(token, &key.key, &validation);
        match decoded.map_err(|e| refused(e.kind(), &validation.algorithms))?.claims {
            Claims { sub: Some(name), exp: Some(exp), nbf, channels } => {
                let expires = valid_until(exp, nbf, since_unix_epoch())?;
                Ok(User { name, expires: Some(expires), access: channels })
            }
            _ => Err(Refused(CLAIMS_NEEDED.into())),
        }
    }
}

/// Whether the signature may be over something else than what it seems: what is critical has to be understood, and
/// nothing is (RFC 7515 §4.1.11); a token's payload is never unencoded (RFC 7797 §7).
fn is_extended(header: &Header) -> bool {
    header.crit.is_some() || header.extras.inner().get("b64").is_some_and(|b64| *b64 != true)
}

/// When a token expires, since the Unix epoch, if it is valid now: from `nbf` on, and no longer in the moment of its
/// `exp` (RFC 7519 §4.1.4 and §4.1.5). Without leeway: a connection lives exactly as long as its token.
fn valid_until(exp: f64, nbf: Option<f64>, now: Duration) -> Result<Duration, Refused> {
    let expires = date(exp);
    if now >= expires {
        return Err(Refused(EXPIRED.into()));
    }
    if nbf.is_some_and(|nbf| now < date(nbf)) {
        return Err(Refused(NOT_YET.into()));
    }
    Ok(expires)
}

/// A NumericDate; before the epoch is the epoch.
fn date(seconds: f64) -> Duration {
    Duration::try_from_secs_f64(seconds.max(0.0)).unwrap_or(Duration::MAX)
}

/// A key that has no name is for all tokens; it is the only one then. A token that names none is for the only key.
fn chosen<'k>(keys: &'k [Key], kid: Option<&str>) -> Result<&'k Key, &'static str> {
    match (keys, kid) {
        ([only], kid) if only.kid.is_none() || kid.is_none() => Ok(only),
        (_, None) => Err("the token must say which key it is signed with (`kid`)"),
        (keys, kid) => {
            let named = keys.iter().find(|key| key.kid.as_deref() == kid);
            named.ok_or("the token is signed with a key (`kid`) that this server does not have")
        }
    }
}

fn validation(audience: Option<&str>) -> Validation {
    let mut validation = Validation::default(); // its algorithm is replaced by the key's
    validation.set_required_spec_claims(&["exp", "sub"]);
    validation.validate_exp = false; // it takes whole seconds only: see `valid_until`
    match audience {
        Some(audience) => {
            validation.set_audience(&[audience]);
            validation.set_required_spec_claims(&["exp", "sub", "aud"]);
        }
        None => validation.validate_aud = false, // we are not told what our audience is
    }
    validation
}

fn refused(kind: &ErrorKind, algorithms: &[Algorithm]) -> Refused {
    Refused(match kind {
        ErrorKind::InvalidSignature => "the token's signature is wrong".into(),
        ErrorKind::InvalidAudience => "the token is for another audience".into(),
        ErrorKind::InvalidAlgorithm
        | ErrorKind::InvalidAlgorithmName
        | ErrorKind::UnsupportedAlgorithm
        | ErrorKind::MissingAlgorithm => {
            let mut names: Vec<String> =
                algorithms.iter().map(|algorithm| format!("{algorithm:?}")).collect();
            names.sort();
            names.dedup();
            format!("the token must be signed with {}", names.join(" or "))
        }
        ErrorKind::MissingRequiredClaim(claim) if claim == "aud" => "the token needs the claim `aud`".into(),
        ErrorKind::MissingRequiredClaim(_) | ErrorKind::InvalidClaimFormat(_) => CLAIMS_NEEDED.into(),
        _ => "the token is malformed".into(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_valid_from_nbf_until_just_before_exp() {
        let at = |exp, nbf, now_ms| valid_until(exp, nbf, Duration::from_millis(now_ms)).map_err(|e| e.0);
        assert_eq!(at(10.0, None, 9_999), Ok(Duration::from_secs(10)));
        assert_eq!(at(10.0, None, 10_000), Err(EXPIRED.into()), "on the second");
        assert_eq!(at(10.0, None, 10_999), Err(EXPIRED.into()));
        assert_eq!(at(10.5, None, 10_499), Ok(Duration::from_millis(10_500)));
        assert_eq!(at(10.5, None, 10_500), Err(EXPIRED.into()));
        assert_eq!(at(10.0, Some(5.4), 5_399), Err(NOT_YET.into()));
        assert_eq!(at(10.0, Some(5.4), 5_400), Ok(Duration::from_secs(10)));
        assert_eq!(at(10.0, Some(-5.0), 0), Ok(Duration::from_secs(10)));
        assert_eq!(at(-1.0, None, 0), Err(EXPIRED.into()));
        assert_eq!(at(1e300, None, 0), Ok(Duration::MAX));
    }
}
