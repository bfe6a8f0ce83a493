//! Asks the operator's authorization service what a user may do with a channel, and caches its answer.

use std::error::Error;
use std::fmt;
use std::time::{Duration, Instant};

use axum::body::{Body, to_bytes};
use hyper::header::CONTENT_TYPE;
use hyper::{Request, StatusCode, Uri};
use moka::Expiry;
use moka::future::Cache;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::Histogram;
use serde::Serialize;
use tokio::sync::Semaphore;
use tokio::time::timeout;
use tracing::{info, warn};

use super::access::Action;
use super::client::{HttpClient, client, with_causes};
use super::outage_log::OutageLog;
use super::per_user::PerUserLimit;
use crate::error::SetupError;
use crate::http::metrics;
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

impl Verdict {
    /// As the label of a metric.
    fn name(self) -> &'static str {
        match self {
            Verdict::Allowed => "allowed",
            Verdict::Forbidden => "forbidden",
            Verdict::Unknown => "unknown",
        }
    }
}

/// How long answers took, by verdict.
pub type ServiceSeconds = Family<[(&'static str, &'static str); 1], Histogram, fn() -> Histogram>;

#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
struct Question {
    user: String,
    channel: String,
    action: Action,
}

/// See the module.
pub struct Service {
    client: HttpClient,
    url: Uri,
    timeout: Duration,
    answers: Cache<Question, Verdict>,
    per_user: PerUserLimit,
    in_flight: Semaphore,
    outage: OutageLog,
    seconds: ServiceSeconds,
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
            client: client(
                "--authorize-url",
                url,
                "read the names of users and channels, and allow anything",
            )?,
            url: url.clone(),
            timeout,
            answers,
            per_user: PerUserLimit::default(),
            in_flight: Semaphore::new(QUESTIONS_MAX),
            outage: OutageLog::default(),
            seconds: Family::new_with_constructor(metrics::seconds),
        })
    }

    /// The service's answer, or the cached one. The same question at the same time is asked once.
    pub async fn ask(&self, user: &str, action: Action, channel: &str) -> Verdict {
        let question = Question { user: user.into(), channel: channel.into(), action };
        let asking = async {
            let timed_out = |_| Err(AskError::TimedOut(self.timeout));
            let asked = Instant::now();
            let verdict = match timeout(self.timeout, self.send(&question)).await.unwrap_or_else(timed_out) {
                Ok(verdict) => self.answered(verdict),
                Err(e) => self.failed(&e),
            };
            let seconds = self.seconds.get_or_create(&[("verdict", verdict.name())]);
            seconds.observe(asked.elapsed().as_secs_f64());
            verdict
        };
        self.answers.get_with_by_ref(&question, asking).await
    }

    /// How long it takes to answer. Cached answers do not count.
    pub fn seconds(&self) -> ServiceSeconds {
        self.seconds.clone()
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
