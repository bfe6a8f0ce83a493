//! Tokens signed with a private key (RS256, ES256, ES384, EdDSA), whose public key the server has; their audience; and that a token
//! cannot choose how it is checked.

use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use serde_json::{Value, json};

use crate::support::{Client, SECRET, Server, ask, now_s, refused_to_start, request};

const RSA: &str = include_str!("keys/rsa.private.pem");
const RSA_PUBLIC: &str = include_str!("keys/rsa.public.pem");
const P256: &str = include_str!("keys/p256.private.pem");

fn key_file(name: &str) -> String {
    format!("{}/tests/it/keys/{name}", env!("CARGO_MANIFEST_DIR"))
}

fn signed(algorithm: Algorithm, key: &EncodingKey, more: Value) -> String {
    let mut claims = json!({"sub": "ada", "exp": now_s() + 3600});
    claims.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    encode(&Header::new(algorithm), &claims, key).unwrap()
}

fn rs256(more: Value) -> String {
    signed(Algorithm::RS256, &EncodingKey::from_rsa_pem(RSA.as_bytes()).unwrap(), more)
}

fn es256() -> String {
    signed(Algorithm::ES256, &EncodingKey::from_ec_pem(P256.as_bytes()).unwrap(), json!({}))
}

fn es384() -> String {
    let key = EncodingKey::from_ec_pem(include_bytes!("keys/p384.private.pem")).unwrap();
    signed(Algorithm::ES384, &key, json!({}))
}

fn eddsa() -> String {
    let key = EncodingKey::from_ed_pem(include_bytes!("keys/ed25519.private.pem")).unwrap();
    signed(Algorithm::EdDSA, &key, json!({}))
}

/// Signed with the text of the public key, which is no secret, as if it were one.
fn confused() -> String {
    signed(Algorithm::HS256, &EncodingKey::from_secret(RSA_PUBLIC.as_bytes()), json!({}))
}

/// `{"alg":"none","typ":"JWT"}` and `{"sub":"eve","exp":9999999999}`, without a signature.
fn unsigned() -> String {
    "eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0.eyJzdWIiOiJldmUiLCJleHAiOjk5OTk5OTk5OTl9.".into()
}

/// The status of a read that is allowed: there is no such channel.
const ALLOWED: u16 = 404;

async fn status(server: &Server, token: String) -> (u16, String) {
    let bearer = format!("Bearer {token}");
    let url = server.url("/channels/c/messages");
    let (status, answer) = request("GET", url, &[("authorization", &bearer)], b"").await;
    (status, answer["message"].as_str().unwrap_or_default().to_owned())
}

#[tokio::test]
async fn a_key_accepts_only_its_own_algorithm() {
    let hs256 = signed(Algorithm::HS256, &EncodingKey::from_secret(SECRET.as_bytes()), json!({}));
    let tokens = [rs256(json!({})), es256(), es384(), eddsa(), hs256, confused(), unsigned()];
    let rsa = Server::start(&["--token-key", &key_file("rsa.public.pem")]);
    let others = ["p256", "p384", "ed25519"];
    let others = others.map(|name| Server::start(&["--token-key", &key_file(&format!("{name}.public.pem"))]));
    let servers = std::iter::once(&rsa).chain(&others);
    for ((i, server), name) in servers.enumerate().zip(["RS256", "ES256", "ES384", "EdDSA"]) {
        for (j, token) in tokens.iter().enumerate() {
            let (status, message) = status(server, token.clone()).await;
            let rejected = status == 401 && (message.contains(name) || message.contains("malformed"));
            assert!(if i == j { status == ALLOWED } else { rejected }, "{name} and {j}: {status} {message}");
        }
    }
    let mut forged = rs256(json!({}));
    forged.replace_range(forged.len() - 8.., "AAAAAAAA");
    assert_eq!(status(&rsa, forged).await.0, 401);
}

#[tokio::test]
async fn a_token_for_another_audience_is_refused() {
    let server =
        Server::start(&["--token-key", &key_file("rsa.public.pem"), "--token-audience", "live.example"]);
    assert_eq!(status(&server, rs256(json!({"aud": "live.example"}))).await.0, ALLOWED);
    assert_eq!(status(&server, rs256(json!({"aud": ["other", "live.example"]}))).await.0, ALLOWED);
    let (code, message) = status(&server, rs256(json!({"aud": "other"}))).await;
    assert!(code == 401 && message.contains("audience"), "{message}");
    let (code, message) = status(&server, rs256(json!({}))).await;
    assert!(code == 401 && message.contains("`aud`"), "{message}");
}

/// A token for another audience, or for none, closes the socket.
#[tokio::test]
async fn a_socket_needs_a_token_for_its_audience() {
    let server =
        Server::start(&["--token-key", &key_file("rsa.public.pem"), "--token-audience", "live.example"]);
    for (claims, word) in [(json!({"aud": "other"}), "another audience"), (json!({}), "`aud`")] {
        let mut client = Client::connect(&server).await;
        client.send(json!({"op": "hello", "v": 1, "client_id": "c", "token": rs256(claims)})).await;
        assert_eq!(client.next_op("err").await["code"], "unauthorized");
        let (code, reason) = client.closed().await;
        assert!(code == 4401 && reason.contains(word), "{code} {reason}");
    }
    Client::greeted_with(&server, "c", Some(rs256(json!({"aud": "live.example"})))).await.round_trip().await;
}

#[test]
fn an_unusable_key_is_rejected_at_startup() {
    for (file, word) in [
        ("rsa.private.pem", "private"),
        ("README.md", "PEM"),
        ("none.pem", "none.pem"),
        ("p521.public.pem", "P-384"),
    ] {
        let (code, stderr) = refused_to_start(&["--token-key", &key_file(file)]);
        assert!(code == Some(1) && stderr.contains(word), "{file}: {stderr}");
    }
}

#[tokio::test]
async fn a_401_says_how_to_authenticate() {
    let server = Server::start(&["--token-secret", SECRET]);
    let answer = ask("GET", server.url("/channels/c/messages"), &[], b"").await;
    assert_eq!(answer.status, 401);
    assert!(answer.headers["www-authenticate"].to_str().unwrap().starts_with("Bearer"));
}
