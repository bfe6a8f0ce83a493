//! What tokens are checked with. A key is for one algorithm, so a token cannot choose another: one that calls
//! itself HS256 and is signed with the text of our public key is refused before its signature is looked at.

use std::path::Path;

use jsonwebtoken::{Algorithm, DecodingKey};

use super::jwks;

/// How the Base64 of a public key on the curve P-256 begins (RFC 5480: the algorithm and the curve). The library
/// takes other curves as well, and then refuses each token.
const P256_PREFIX: &str = "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE";

/// A key and what it is for.
pub struct Key {
    /// What tokens call it. Without a name it is the only key.
    pub kid: Option<String>,
    /// The only algorithm that is taken.
    pub algorithm: Algorithm,
    /// The key.
    pub key: DecodingKey,
}

impl Key {
    /// A secret that signs and checks.
    pub fn secret(secret: &str) -> Key {
        Key { kid: None, algorithm: Algorithm::HS256, key: DecodingKey::from_secret(secret.as_bytes()) }
    }

    /// Reads public keys from a file: one in PEM, or a JWKS.
    pub fn read(path: &Path) -> Result<Vec<Key>, String> {
        let shown = path.display();
        let text = std::fs::read(path).map_err(|e| format!("cannot read the token key {shown}: {e}"))?;
        let text = String::from_utf8_lossy(&text);
        let keys = match text.trim_start().starts_with('{') {
            true => jwks::keys(&text),
            false => Key::public(text.as_bytes()).map(|key| vec![key]).map_err(Into::into),
        };
        keys.map_err(|problem| format!("the token key {shown} {problem}"))
    }

    /// A public key in PEM: RSA (RS256) or P-256 (ES256).
    fn public(pem: &[u8]) -> Result<Key, &'static str> {
        if String::from_utf8_lossy(pem).contains("PRIVATE KEY") {
            return Err("is a private key: keep it where tokens are signed, and give its public key here");
        }
        if let Ok(key) = DecodingKey::from_rsa_pem(pem) {
            return Ok(Key { kid: None, algorithm: Algorithm::RS256, key });
        }
        let is_p256 = String::from_utf8_lossy(pem).lines().any(|line| line.starts_with(P256_PREFIX));
        if let (true, Ok(key)) = (is_p256, DecodingKey::from_ec_pem(pem)) {
            return Ok(Key { kid: None, algorithm: Algorithm::ES256, key });
        }
        Err(
            "is not a public key in PEM, of RSA (RS256) or P-256 (ES256): `-----BEGIN PUBLIC KEY-----`; nor is it a JWKS",
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_public_key_is_refused() {
        let problem = |pem: &str| Key::public(pem.as_bytes()).err().unwrap_or_default();
        assert!(problem("nonsense").contains("PEM"));
        assert!(problem("-----BEGIN PRIVATE KEY-----\nMC4=\n-----END PRIVATE KEY-----").contains("private"));
        let certificate = "-----BEGIN CERTIFICATE-----\nMC4=\n-----END CERTIFICATE-----";
        assert!(problem(certificate).contains("PEM"));
    }
}
