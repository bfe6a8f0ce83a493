//! Asks a service of the operator's what a user may do with a channel, and remembers the answer for a while.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::body::{Body, to_bytes};
use hyper::header::CONTENT_TYPE;
use hyper::{Request, StatusCode, Uri};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use moka::Expiry;
use moka::future::Cache;
use serde::Serialize;
use tokio::sync::Semaphore;
use tokio::time::timeout;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::{ClientConfig, RootCertStore};
use tracing::{info, warn};

use super::outage::Outage;
use super::resolver::Resolver;
use super::turns::Turns;

/// Whoever could not be told comes back after so long; it is asked anew then.
pub const RETRY_AFTER_MS: u64 = 1000;
/// How much the answers may take, names and all; the least used are forgotten first.
const CACHE_BYTES_MAX: u64 = 16 * 1024 * 1024;
/// What an answer takes besides its names.
const ANSWER_BYTES: usize = 200;
/// How many questions are asked at once; the others wait.
const QUESTIONS_MAX: usize = 64;
/// An answer's status is all that counts; its body is read to use the connection again.
const BODY_BYTES_MAX: usize = 64 * 1024;

/// What a user wants to do with a channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Action {
    /// Subscribe to it, or read its log.
    Read,
    /// Publish or cast.
    Write,
}

/// Whether they may.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Yes.
    Allowed,
    /// No.
    Forbidden,
    /// The service did not say. Not now, then.
    Unknown,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
struct Question {
    user: String,
    channel: String,
    action: Action,
}

/// See the module.
pub struct Hook {
    client: Client<HttpsConnector<HttpConnector<Resolver>>, Body>,
    url: Uri,
    timeout: Duration,
    answers: Cache<Question, Verdict>,
    turns: Turns,
    asking: Semaphore,
    outage: Outage,
}

impl Hook {
    /// Answers of the service count for `remembered`.
    pub fn new(url: &Uri, timeout: Duration, remembered: Duration) -> Result<Hook, String> {
        let answers = Cache::builder()
            .max_capacity(CACHE_BYTES_MAX)
            .weigher(|question: &Question, _| {
                let bytes = question.user.len() + question.channel.len() + ANSWER_BYTES;
                bytes.try_into().unwrap_or(u32::MAX)
            })
            .expire_after(Lifetimes { remembered })
            .build();
        Ok(Hook {
            client: Client::builder(TokioExecutor::new()).build(connector(url)?),
            url: url.clone(),
            timeout,
            answers,
            turns: Turns::default(),
            asking: Semaphore::new(QUESTIONS_MAX),
            outage: Outage::default(),
        })
    }

    /// What the service says, or has said. Who asks the same at the same time gets the same answer.
    pub async fn ask(&self, user: &str, action: Action, channel: &str) -> Verdict {
        let question = Question { user: user.into(), channel: channel.into(), action };
        let asking = async {
            match timeout(self.timeout, self.send(&question)).await {
                Ok(Ok(verdict)) => self.answered(verdict),
                Ok(Err(why)) => self.failed(&why),
                Err(_) => self.failed(&format!("no answer within {:?}", self.timeout)),
            }
        };
        self.answers.get_with_by_ref(&question, asking).await
    }

    async fn send(&self, question: &Question) -> Result<Verdict, String> {
        // The user's first: who waits behind their own keeps nobody else waiting.
        let _turn = self.turns.next(&question.user).await.map_err(|e| e.to_string())?;
        let _permit = self.asking.acquire().await.map_err(|e| e.to_string())?;
        let body = serde_json::to_string(question).map_err(|e| e.to_string())?;
        let request = Request::post(self.url.clone()).header(CONTENT_TYPE, "application/json");
        let request = request.body(Body::from(body)).map_err(|e| e.to_string())?;
        let response = self.client.request(request).await.map_err(|e| reasons(&e))?;
        let status = response.status();
        let _ = to_bytes(Body::new(response.into_body()), BODY_BYTES_MAX).await;
        match status {
            StatusCode::OK | StatusCode::NO_CONTENT => Ok(Verdict::Allowed),
            StatusCode::FORBIDDEN => Ok(Verdict::Forbidden),
            status => Err(format!("it answered {status}")),
        }
    }

    fn answered(&self, verdict: Verdict) -> Verdict {
        if self.outage.ends() {
            info!("the authorisation service answers again");
        }
        verdict
    }

    fn failed(&self, why: &str) -> Verdict {
        if self.outage.begins(Instant::now()) {
            warn!(
                "the authorisation service does not say what users may do ({why}); what is not known is refused"
            );
        }
        Verdict::Unknown
    }
}

fn connector(url: &Uri) -> Result<HttpsConnector<HttpConnector<Resolver>>, String> {
    let builder = HttpsConnectorBuilder::new();
    let provider = ring::default_provider();
    // The machine's certificates are needed, and have to be there, only where they are used.
    let builder = if url.scheme_str() == Some("https") {
        let cannot =
            |e| format!("--authorize-url is https, but this machine has no certificates to trust: {e}");
        builder.with_provider_and_native_roots(provider).map_err(cannot)?
    } else {
        let config =
            ClientConfig::builder_with_provider(Arc::new(provider)).with_safe_default_protocol_versions();
        let config = config.map_err(|e| format!("cannot set up TLS: {e}"))?;
        builder.with_tls_config(config.with_root_certificates(RootCertStore::empty()).with_no_client_auth())
    };
    let mut tcp = HttpConnector::new_with_resolver(Resolver::new());
    tcp.enforce_http(false); // https comes here, too
    Ok(builder.https_or_http().enable_http1().wrap_connector(tcp))
}

/// An error with what is behind it, which is what tells.
fn reasons(e: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(Some(e), |e| e.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

/// How long answers count.
struct Lifetimes {
    remembered: Duration,
}

impl Expiry<Question, Verdict> for Lifetimes {
    fn expire_after_create(&self, _: &Question, verdict: &Verdict, _: Instant) -> Option<Duration> {
        Some(match verdict {
            Verdict::Allowed | Verdict::Forbidden => self.remembered,
            // Long enough not to wait for the service again with each frame.
            Verdict::Unknown => Duration::from_millis(RETRY_AFTER_MS / 2),
        })
    }
}
