//! Asks the operator's authorization service what a user may do with a channel, and caches its answer.

use std::error::Error;
use std::fmt;
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

use super::access::Action;
use super::outage_log::OutageLog;
use super::per_user::PerUserLimit;
use super::resolver::Resolver;
use crate::error::SetupError;
use crate::refusal::AUTHORIZATION_RETRY;

/// How much memory the cached answers may take, including the names. The least used are evicted first.
const CACHE_BYTES_MAX: u64 = 16 * 1024 * 1024;
/// What an answer takes besides its names.
const ANSWER_BYTES: usize = 200;
/// How many questions are asked at once. The others wait.
const QUESTIONS_MAX: usize = 64;
/// Only an answer's status counts. Its body is read so that the connection can be reused.
const BODY_BYTES_MAX: usize = 64 * 1024;

/// The service's answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The user may do this.
    Allowed,
    /// The user may not.
    Forbidden,
    /// There was no answer. For now, this counts as a no.
    Unknown,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
struct Question {
    user: String,
    channel: String,
    action: Action,
}

/// See the module.
pub struct Service {
    client: Client<HttpsConnector<HttpConnector<Resolver>>, Body>,
    url: Uri,
    timeout: Duration,
    answers: Cache<Question, Verdict>,
    per_user: PerUserLimit,
    in_flight: Semaphore,
    outage: OutageLog,
}

impl Service {
    /// Answers are cached for `cache_time`.
    pub fn new(url: &Uri, timeout: Duration, cache_time: Duration) -> Result<Service, SetupError> {
        let answers = Cache::builder()
            .max_capacity(CACHE_BYTES_MAX)
            .weigher(|question: &Question, _| {
                let bytes = question.user.len() + question.channel.len() + ANSWER_BYTES;
                bytes.try_into().unwrap_or(u32::MAX)
            })
            .expire_after(Lifetimes { cache_time })
            .build();
        Ok(Service {
            client: Client::builder(TokioExecutor::new()).build(connector(url)?),
            url: url.clone(),
            timeout,
            answers,
            per_user: PerUserLimit::default(),
            in_flight: Semaphore::new(QUESTIONS_MAX),
            outage: OutageLog::default(),
        })
    }

    /// The service's answer, or the cached one. The same question at the same time is asked once.
    pub async fn ask(&self, user: &str, action: Action, channel: &str) -> Verdict {
        let question = Question { user: user.into(), channel: channel.into(), action };
        let asking = async {
            let timed_out = |_| Err(AskError::TimedOut(self.timeout));
            match timeout(self.timeout, self.send(&question)).await.unwrap_or_else(timed_out) {
                Ok(verdict) => self.answered(verdict),
                Err(e) => self.failed(&e),
            }
        };
        self.answers.get_with_by_ref(&question, asking).await
    }

    async fn send(&self, question: &Question) -> Result<Verdict, AskError> {
        // The user's own permit first: a user who waits for it keeps nobody else waiting.
        let _permit = self.per_user.acquire(&question.user).await.map_err(AskError::other)?;
        let _permit = self.in_flight.acquire().await.map_err(AskError::other)?;
        let body = serde_json::to_string(question).map_err(AskError::other)?;
        let request = Request::post(self.url.clone()).header(CONTENT_TYPE, "application/json");
        let request = request.body(Body::from(body)).map_err(AskError::other)?;
        let response = self.client.request(request).await.map_err(AskError::other)?;
        let status = response.status();
        let _ = to_bytes(Body::new(response.into_body()), BODY_BYTES_MAX).await;
        match status {
            StatusCode::OK | StatusCode::NO_CONTENT => Ok(Verdict::Allowed),
            StatusCode::FORBIDDEN => Ok(Verdict::Forbidden),
            status => Err(AskError::Status(status)),
        }
    }

    fn answered(&self, verdict: Verdict) -> Verdict {
        if self.outage.answered() {
            info!("the authorization service answers again");
        }
        verdict
    }

    fn failed(&self, why: &AskError) -> Verdict {
        if self.outage.failed(Instant::now()) {
            warn!("no answer from the authorization service: {why}; requests that need one are refused");
        }
        Verdict::Unknown
    }
}

fn connector(url: &Uri) -> Result<HttpsConnector<HttpConnector<Resolver>>, SetupError> {
    let builder = HttpsConnectorBuilder::new();
    let provider = ring::default_provider();
    // The machine's certificates have to be there only if they are needed.
    let builder = if url.scheme_str() == Some("https") {
        let no_roots = |e| {
            SetupError::new(format!("cannot use --authorize-url {url}"), e).advice(
                "https needs the machine's CA certificates: install them (on Debian, ca-certificates).",
            )
        };
        builder.with_provider_and_native_roots(provider).map_err(no_roots)?
    } else {
        let config =
            ClientConfig::builder_with_provider(Arc::new(provider)).with_safe_default_protocol_versions();
        let config = config.map_err(|e| SetupError::new("cannot set up TLS", e))?;
        builder.with_tls_config(config.with_root_certificates(RootCertStore::empty()).with_no_client_auth())
    };
    let mut tcp = HttpConnector::new_with_resolver(Resolver::new());
    tcp.enforce_http(false); // https goes through here, too
    Ok(builder.https_or_http().enable_http1().wrap_connector(tcp))
}

/// Why there was no answer.
enum AskError {
    TimedOut(Duration),
    Status(StatusCode),
    Other(Box<dyn Error + Send + Sync>),
}

impl AskError {
    fn other(e: impl Error + Send + Sync + 'static) -> Self {
        AskError::Other(Box::new(e))
    }
}

impl fmt::Display for AskError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            AskError::TimedOut(limit) => write!(f, "no answer within {limit:?}"),
            AskError::Status(status) => write!(f, "it answered {status}"),
            AskError::Other(e) => f.write_str(&with_causes(&**e)),
        }
    }
}

/// An error with its causes: they have the reason.
fn with_causes(e: &dyn Error) -> String {
    let causes = std::iter::successors(Some(e), |e| (*e).source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

/// How long answers are cached.
struct Lifetimes {
    cache_time: Duration,
}

impl Expiry<Question, Verdict> for Lifetimes {
    fn expire_after_create(&self, _: &Question, verdict: &Verdict, _: Instant) -> Option<Duration> {
        Some(match verdict {
            Verdict::Allowed | Verdict::Forbidden => self.cache_time,
            // Long enough that not every frame waits for the service.
            Verdict::Unknown => AUTHORIZATION_RETRY / 2,
        })
    }
}
