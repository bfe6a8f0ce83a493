//! Tokens: a fresh one when the last has expired.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use futures::StreamExt;
use jsonwebtoken::{EncodingKey, Header, encode};
use seamline::{ReasonCode, StartFrom, State};
use serde_json::json;

use crate::server::Server;
use crate::support::*;

/// A token that is valid for so long.
fn token(lifetime: Duration) -> Result<String, String> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let claims = json!({ "sub": "alice", "exp": (now + lifetime).as_secs() });
    encode(&Header::default(), &claims, &EncodingKey::from_secret(SECRET.as_bytes()))
        .map_err(|e| e.to_string())
}

#[tokio::test]
async fn an_expired_token_is_refreshed_without_a_loss() {
    let server = Server::start(&["--token-secret", SECRET]).await;
    let refreshed = Arc::new(AtomicU64::new(0));
    let count = Arc::clone(&refreshed);
    let client = at(&server.url()).token(move |request| {
        count.fetch_add(u64::from(request.refresh), Ordering::Relaxed);
        let lifetime = if request.refresh { Duration::from_secs(3_600) } else { Duration::from_secs(2) };
        async move { token(lifetime) }
    });
    let client = client.connect().unwrap();
    let mut channel = client.channel("room", StartFrom::Start).unwrap();
    client.publish("room", &1).await.unwrap();
    assert_eq!(next_message(&mut channel).await.offset, 1);
    while refreshed.load(Ordering::Relaxed) == 0 {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    client.publish("room", &2).await.unwrap();
    assert_eq!(next_message(&mut channel).await.offset, 2);
}

#[tokio::test]
async fn a_rejected_token_ends_the_client() {
    let server = Server::start(&["--token-secret", SECRET]).await;
    let client = at(&server.url()).token(|_| async { Ok::<_, String>("nonsense") }).connect().unwrap();
    let closed = next_state(&mut client.states().boxed(), "closed").await;
    assert!(
        matches!(&closed, State::Closed { reason, .. } if reason.code == ReasonCode::Unauthorized),
        "{closed:?}"
    );
}
