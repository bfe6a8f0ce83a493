//! How tokens are checked: with the key that they name, and with the one algorithm that this key is for.

use std::path::PathBuf;
use std::sync::{Arc, PoisonError, RwLock};

use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::{Algorithm, Validation, decode, decode_header};
use serde::Deserialize;

use super::key::Key;
use super::{Access, Refused, User};

const CLAIMS_NEEDED: &str = "the token needs the claims `sub` (text) and `exp` (number)";

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
    #[serde(default)]
    channels: Access,
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
        let key = chosen(&keys, header.kid.as_deref()).map_err(|problem| Refused(problem.into()))?;
        // Not what the token says of itself.
        let algorithms = vec![key.algorithm];
        let mut validation = self.validation.clone();
        validation.algorithms = algorithms;
        let decoded = decode::<Claims>(token, &key.key, &validation);
        match decoded.map_err(|e| refused(e.kind(), &validation.algorithms))?.claims {
            Claims { sub: Some(name), exp: Some(exp), channels } => {
                Ok(User { name, expires_s: Some(exp as u64), access: channels })
            }
            _ => Err(Refused(CLAIMS_NEEDED.into())),
        }
    }
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
    validation.validate_nbf = true;
    validation.leeway = 0; // a connection lives exactly as long as its token
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
        ErrorKind::ExpiredSignature => "the token has expired".into(),
        ErrorKind::ImmatureSignature => "the token is not valid yet".into(),
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
