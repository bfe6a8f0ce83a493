//! Tokens signed with one of several keys, whose public keys are in a JWKS: the token names its key (`kid`), and the
//! key determines the algorithm.

use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use serde_json::{Value, json};
use tempfile::NamedTempFile;

use crate::support::{Client, Server, eventually, now_s, refused_to_start, request};

fn rsa() -> EncodingKey {
    EncodingKey::from_rsa_pem(include_bytes!("keys/rsa.private.pem")).unwrap()
}

fn p256() -> EncodingKey {
    EncodingKey::from_ec_pem(include_bytes!("keys/p256.private.pem")).unwrap()
}

/// The public key, as a provider publishes it.
fn public(key: &EncodingKey, algorithm: Algorithm, kid: &str) -> Value {
    let mut jwk = serde_json::to_value(Jwk::from_encoding_key(key, algorithm).unwrap()).unwrap();
    jwk["kid"] = kid.into();
    jwk["use"] = "sig".into();
    jwk
}

/// Keys of the other kinds.
fn others() -> [(Algorithm, EncodingKey, &'static str); 2] {
    let p384 = EncodingKey::from_ec_pem(include_bytes!("keys/p384.private.pem")).unwrap();
    let ed25519 = EncodingKey::from_ed_pem(include_bytes!("keys/ed25519.private.pem")).unwrap();
    [(Algorithm::ES384, p384, "p384-1"), (Algorithm::EdDSA, ed25519, "ed-1")]
}

fn both() -> [Value; 2] {
    [public(&rsa(), Algorithm::RS256, "rsa-1"), public(&p256(), Algorithm::ES256, "p256-1")]
}

fn write(file: &NamedTempFile, keys: &[Value]) {
    std::fs::write(file.path(), json!({ "keys": keys }).to_string()).unwrap();
}

fn start(keys: &[Value]) -> (Server, NamedTempFile) {
    let file = NamedTempFile::new().unwrap();
    write(&file, keys);
    (Server::start(&["--token-key", file.path().to_str().unwrap()]), file)
}

fn token(algorithm: Algorithm, key: &EncodingKey, kid: Option<&str>) -> String {
    let mut header = Header::new(algorithm);
    header.kid = kid.map(str::to_owned);
    encode(&header, &json!({"sub": "ada", "exp": now_s() + 3600}), key).unwrap()
}

/// The status of a read that is allowed: there is no such channel.
const ALLOWED: u16 = 404;

/// The status and the message that a request with this token gets.
async fn read_with(server: &Server, token: String) -> (u16, String) {
    let bearer = format!("Bearer {token}");
    let url = server.url("/channels/c/messages");
    let (status, answer) = request("GET", url, &[("authorization", &bearer)], b"").await;
    (status, answer["message"].as_str().unwrap_or_default().to_owned())
}

#[track_caller]
fn assert_refused((status, message): (u16, String), word: &str) {
    assert!(status == 401 && message.contains(word), "{status} {message}");
}

#[tokio::test]
async fn a_token_is_checked_with_the_key_it_names() {
    let (server, _file) = start(&both());
    let rs256 = |kid| token(Algorithm::RS256, &rsa(), kid);
    let es256 = |kid| token(Algorithm::ES256, &p256(), kid);
    assert_eq!(read_with(&server, rs256(Some("rsa-1"))).await.0, ALLOWED);
    assert_eq!(read_with(&server, es256(Some("p256-1"))).await.0, ALLOWED);
    Client::greeted_with(&server, "c", Some(es256(Some("p256-1")))).await;
    assert_refused(read_with(&server, rs256(Some("rsa-2"))).await, "`kid`");
    assert_refused(read_with(&server, rs256(None)).await, "`kid`");
    assert_refused(read_with(&server, rs256(Some("p256-1"))).await, "ES256");
    assert_refused(read_with(&server, es256(Some("rsa-1"))).await, "RS256");
    // There are more algorithms for RSA. The key is for one of them.
    assert_refused(read_with(&server, token(Algorithm::RS512, &rsa(), Some("rsa-1"))).await, "RS256");
}

#[tokio::test]
async fn keys_of_every_kind_can_be_in_one_set() {
    let more = others().map(|(algorithm, key, kid)| public(&key, algorithm, kid));
    let (server, _file) = start(&[both(), more].concat());
    for (algorithm, key, kid) in others() {
        assert_eq!(read_with(&server, token(algorithm, &key, Some(kid))).await.0, ALLOWED);
        assert_refused(read_with(&server, token(algorithm, &key, Some("p256-1"))).await, "ES256");
        let rs256 = token(Algorithm::RS256, &rsa(), Some(kid));
        assert_refused(read_with(&server, rs256).await, &format!("{algorithm:?}"));
    }
    assert_eq!(read_with(&server, token(Algorithm::ES256, &p256(), Some("p256-1"))).await.0, ALLOWED);
}

#[tokio::test]
async fn a_token_cannot_choose_its_algorithm() {
    let (server, file) = start(&both());
    let set = std::fs::read_to_string(file.path()).unwrap();
    // Signed with something public, as if it were a secret.
    for secret in [&set, include_str!("keys/rsa.public.pem"), both()[0]["n"].as_str().unwrap()] {
        for kid in [Some("rsa-1"), Some("p256-1"), None] {
            let forged = token(Algorithm::HS256, &EncodingKey::from_secret(secret.as_bytes()), kid);
            let (status, message) = read_with(&server, forged).await;
            assert!(status == 401 && !message.contains("signature"), "{message}");
        }
    }
    // `{"alg":"none","kid":"rsa-1"}` and `{"sub":"eve","exp":9999999999}`, without a signature.
    let unsigned = "eyJhbGciOiJub25lIiwia2lkIjoicnNhLTEifQ.eyJzdWIiOiJldmUiLCJleHAiOjk5OTk5OTk5OTl9.";
    assert_eq!(read_with(&server, unsigned.into()).await.0, 401);
}

#[tokio::test]
async fn a_single_key_needs_no_kid_in_tokens() {
    let (server, _file) = start(&both()[..1]);
    assert_eq!(read_with(&server, token(Algorithm::RS256, &rsa(), None)).await.0, ALLOWED);
    assert_refused(read_with(&server, token(Algorithm::RS256, &rsa(), Some("rsa-2"))).await, "`kid`");
}

#[tokio::test]
async fn keys_are_reloaded_on_sighup() {
    let [rsa_key, p256_key] = both();
    let (server, file) = start(std::slice::from_ref(&rsa_key));
    let es256 = || token(Algorithm::ES256, &p256(), Some("p256-1"));
    assert_refused(read_with(&server, es256()).await, "`kid`");
    write(&file, &[rsa_key, p256_key.clone()]);
    server.hang_up();
    eventually("the new key", || server.stderr().contains("reloaded the")).await;
    assert_eq!(read_with(&server, es256()).await.0, ALLOWED);
    // Half a file changes nothing.
    std::fs::write(file.path(), "{").unwrap();
    server.hang_up();
    eventually("an error in the logs", || server.stderr().contains("kept the old")).await;
    assert_eq!(read_with(&server, es256()).await.0, ALLOWED);
    // A key that is gone is no longer accepted.
    write(&file, &[p256_key]);
    server.hang_up();
    eventually("the second reload", || server.stderr().matches("reloaded the").count() == 2).await;
    assert_refused(read_with(&server, token(Algorithm::RS256, &rsa(), Some("rsa-1"))).await, "`kid`");
}

#[test]
fn an_unusable_jwks_is_rejected_at_startup() {
    let file = NamedTempFile::new().unwrap();
    for (text, word) in [
        ("{", "not JSON"),
        (r#"{"key": []}"#, "not a JWKS"),
        (r#"{"keys": []}"#, "no public key"),
        (r#"{"keys": [{"kty": "oct", "k": "aHVzaA"}]}"#, "--token-secret"),
    ] {
        std::fs::write(file.path(), text).unwrap();
        let name = file.path().to_str().unwrap();
        let (code, stderr) = refused_to_start(&["--token-key", name]);
        assert!(code == Some(1) && stderr.contains(word) && stderr.contains(name), "{text}: {stderr}");
    }
}
