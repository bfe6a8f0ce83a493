//! A JWKS that is fetched from a URL, as identity providers publish it: at the start, regularly, and when a token names
//! a key that the set does not have.
//!
//! While it cannot be fetched, the server keeps the keys it has. Anyone can make the server ask for
//! unknown keys with a token, so that is limited.

use std::time::{Duration, Instant};

use axum::body::{Body, to_bytes};
use hyper::header::ACCEPT;
use hyper::{Request, StatusCode, Uri};
use tokio::sync::Mutex;
use tokio::time::timeout;
use tracing::{info, warn};

use super::client::{HttpClient, client, with_causes};
use super::jwks;
use super::key::{Key, KeySet};
use super::key_file::advice;
use super::outage_log::OutageLog;
use crate::config::without_query;
use crate::error::SetupError;

/// For one request, from the connection to the last byte.
const TIMEOUT: Duration = Duration::from_secs(5);
/// A key has less than 2 KB.
const BODY_BYTES_MAX: usize = 256 * 1024;
/// How long an unknown key in a token causes no further request.
const UNKNOWN_KEY_INTERVAL: Duration = Duration::from_secs(10);
/// The longest pause between two requests while they fail.
const RETRY_MAX: Duration = Duration::from_secs(30);

/// See the module.
pub struct JwksUrl {
    client: HttpClient,
    url: Uri,
    refresh: Duration,
    /// One request at a time. Others wait for its result.
    last: Mutex<Last>,
    outage: OutageLog,
}

/// The last request.
#[derive(Default)]
struct Last {
    failed: bool,
    /// When a request for an unknown key ended.
    searched: Option<Instant>,
    /// The set that the keys in use were read from.
    text: Vec<u8>,
}

impl JwksUrl {
    /// The set at this URL, which is fetched again after this time.
    pub fn new(url: &Uri, refresh: Duration) -> Result<JwksUrl, SetupError> {
        let client = client("--token-jwks-url", url, "replace the keys, and so let anyone in")?;
        let (last, outage) = (Mutex::default(), OutageLog::default());
        Ok(JwksUrl { client, url: url.clone(), refresh, last, outage })
    }

    /// Fetches the set. If that fails, the keys stay as they are.
    pub async fn load(&self, keys: &KeySet) -> Result<(), SetupError> {
        self.fetch(&mut *self.last.lock().await, keys).await
    }

    /// Fetches the set because a token names a key that it does not have, unless that was done just now for another
    /// token. Returns whether the set is known.
    pub async fn look_for_unknown_key(&self, keys: &KeySet) -> bool {
        let mut last = self.last.lock().await;
        if last.searched.is_none_or(|searched| searched.elapsed() >= UNKNOWN_KEY_INTERVAL) {
            self.refresh(&mut last, keys).await;
            last.searched = Some(Instant::now());
        }
        !last.failed
    }

    /// Fetches the set regularly.
    pub async fn refresh_regularly(&self, keys: &KeySet) {
        let mut pause = self.refresh;
        loop {
            tokio::time::sleep(pause).await;
            let mut last = self.last.lock().await;
            self.refresh(&mut last, keys).await;
            pause = if last.failed { self.refresh.min(RETRY_MAX) } else { self.refresh };
        }
    }

    /// Fetches the set. The logs have a line when that begins to fail, and when it works again.
    async fn refresh(&self, last: &mut Last, keys: &KeySet) {
        match self.fetch(last, keys).await {
            Ok(()) if self.outage.answered() => info!("the token keys can be fetched again"),
            Err(e) if self.outage.failed(Instant::now()) => {
                warn!("{e}; the server keeps the token keys it has")
            }
            _ => {}
        }
    }

    async fn fetch(&self, last: &mut Last, keys: &KeySet) -> Result<(), SetupError> {
        let fetched = timeout(TIMEOUT, self.body()).await;
        let fetched = fetched.unwrap_or_else(|_| Err(format!("no complete answer within {TIMEOUT:?}")));
        let read =
            fetched.map_err(|why| (why, "Give --token-jwks-url the URL of a JWKS.")).and_then(|text| {
                if text != last.text {
                    let text_of_set = String::from_utf8_lossy(&text);
                    let found = jwks::keys(&text_of_set).map_err(|e| (e.to_string(), advice(&e)))?;
                    announce(&found);
                    keys.replace(found);
                    last.text = text;
                }
                Ok(())
            });
        last.failed = read.is_err();
        read.map_err(|(why, advice)| {
            let url = without_query(&self.url.to_string());
            SetupError::new(format!("cannot fetch the token keys from {url}"), why).advice(advice)
        })
    }

    /// The body of the answer; or why there is none.
    async fn body(&self) -> Result<Vec<u8>, String> {
        let request = Request::get(self.url.clone()).header(ACCEPT, "application/json").body(Body::empty());
        let request = request.map_err(|e| e.to_string())?;
        let response = self.client.request(request).await.map_err(|e| with_causes(&e))?;
        match response.status() {
            StatusCode::OK => {}
            status => return Err(format!("it answered {status}")),
        }
        let body = to_bytes(Body::new(response.into_body()), BODY_BYTES_MAX).await;
        body.map(Into::into)
            .map_err(|e| format!("{}; at most {BODY_BYTES_MAX} bytes are read", with_causes(&e)))
    }
}

fn announce(keys: &[Key]) {
    let names: Vec<_> = keys.iter().map(|key| key.kid.as_deref().unwrap_or("one without a `kid`")).collect();
    info!("the token keys are {}", names.join(", "));
}
