//! Sends what is exported to the collector, with the client that the server has for other services.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::time::{Duration, Instant};

use axum::body::{Body, to_bytes};
use bytes::Bytes;
use hyper::{Request, Response};
use opentelemetry_http::HttpError;
use tokio::runtime::Handle;
use tokio::time::timeout;
use tracing::{info, warn};

use super::settings::Collector;
use crate::auth::client::{HttpClient, client, with_causes};
use crate::auth::outage_log::OutageLog;
use crate::error::SetupError;

/// For one request, from the connection to the last byte.
pub(super) const TIMEOUT: Duration = Duration::from_secs(10);
/// The answer says which spans were rejected, which is not read.
const BODY_BYTES_MAX: usize = 64 * 1024;

/// See the module.
pub(super) struct Client {
    client: HttpClient,
    /// The SDK's thread has no runtime.
    runtime: Handle,
    outage: OutageLog,
    url: String,
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("url", &self.url).finish_non_exhaustive()
    }
}

impl Client {
    /// One for this collector. Needs the runtime.
    pub fn new(Collector { setting, url }: Collector) -> Result<Client, SetupError> {
        let client = client(setting, &url, "read the names of channels, and when messages are published")?;
        let (runtime, outage) = (Handle::current(), OutageLog::default());
        Ok(Client { client, runtime, outage, url: url.to_string() })
    }

    /// The logs have a line when that begins to fail, and when it works again.
    fn report(&self, failed: Option<String>) {
        match failed {
            None if self.outage.answered() => info!("traces are exported to {} again", self.url),
            Some(why) if self.outage.failed(Instant::now()) => {
                warn!("cannot export traces to {}: {why}; they are lost until that works", self.url);
            }
            _ => {}
        }
    }
}

/// As a macro of the crate `async-trait` would write it.
impl opentelemetry_http::HttpClient for Client {
    fn send_bytes<'life0, 'async_trait>(
        &'life0 self,
        request: Request<Bytes>,
    ) -> Pin<Box<dyn Future<Output = Result<Response<Bytes>, HttpError>> + Send + 'async_trait>>
    where
        'life0: 'async_trait,
        Self: 'async_trait,
    {
        Box::pin(async move {
            let sent = self.runtime.spawn(send(self.client.clone(), request)).await;
            let sent = sent.map_err(|e| e.to_string()).and_then(|sent| sent);
            self.report(match &sent {
                Ok(response) if response.status().is_success() => None,
                Ok(response) => Some(format!("it answered {}", response.status())),
                Err(why) => Some(why.clone()),
            });
            sent.map_err(HttpError::from)
        })
    }
}

async fn send(client: HttpClient, request: Request<Bytes>) -> Result<Response<Bytes>, String> {
    let answer = async {
        let response = client.request(request.map(Body::from)).await.map_err(|e| with_causes(&e))?;
        let (head, body) = response.into_parts();
        let body = to_bytes(Body::new(body), BODY_BYTES_MAX).await.map_err(|e| with_causes(&e))?;
        Ok(Response::from_parts(head, body))
    };
    timeout(TIMEOUT, answer).await.unwrap_or_else(|_| Err(format!("no answer within {TIMEOUT:?}")))
}
