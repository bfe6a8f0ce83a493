//! Traces with the crates of OpenTelemetry.
//!
//! Nothing here waits. A span that ends goes into a bounded queue, and a thread of its own exports what is in it
//! ([`export`]). What is not sampled has no span, and costs an atomic load or a comparison with nothing.

mod client;
mod delivery;
mod export;
mod request;
mod settings;
mod spans;
mod traceparent;

use std::borrow::Cow;
use std::sync::OnceLock;
use std::time::Duration;

use opentelemetry::Context as Parent;
use opentelemetry::trace::{SpanBuilder, SpanKind, TraceContextExt, Tracer, TracerProvider};
use opentelemetry_sdk::trace::{SdkTracer, SdkTracerProvider};
use tracing::{info, warn};

use crate::config::{Config, StoreKind};
use crate::error::SetupError;

pub use delivery::{Batch, Deliveries, Delivery, Published};
pub use request::traced;
pub use settings::{Options, check};
pub use spans::{Context, Publication, submit};

/// What the process waits at its end for the last spans to be exported.
const FLUSH_TIMEOUT: Duration = Duration::from_secs(3);

/// What all spans of this process share. It is set while the server starts, unless there is no collector.
static TRACES: OnceLock<Traces> = OnceLock::new();

struct Traces {
    provider: SdkTracerProvider,
    tracer: SdkTracer,
    /// The scheme of this server's URLs.
    scheme: &'static str,
    /// The kind of its log.
    log: &'static str,
}

/// Starts recording, if a collector is named. Needs the runtime.
pub fn start(config: &Config) -> Result<(), SetupError> {
    let Some(collector) = settings::collector(&config.trace)? else { return Ok(()) };
    info!("traces are exported to {}", collector.url);
    let provider = export::provider(collector)?;
    let tracer = provider.tracer("seamline-server");
    let scheme = if config.tls_cert.is_some() { "https" } else { "http" };
    let log = match config.log {
        StoreKind::Embedded => "embedded",
        StoreKind::Redis(_) => "redis",
    };
    let _ = TRACES.set(Traces { provider, tracer, scheme, log }); // the process starts once
    Ok(())
}

/// Exports what has been recorded, and records nothing any more.
pub async fn finish() {
    let Some(traces) = TRACES.get() else { return };
    let ended = tokio::task::spawn_blocking(|| traces.provider.shutdown_with_timeout(FLUSH_TIMEOUT)).await;
    if !matches!(ended, Ok(Ok(()))) {
        warn!("the last spans were not exported within {FLUSH_TIMEOUT:?}");
    }
}

/// Starts a span. `None` if it is not sampled, or nothing is recorded at all.
fn begin(parent: &Parent, span: impl FnOnce(&Traces) -> SpanBuilder) -> Option<Parent> {
    let traces = TRACES.get()?;
    let context = parent.with_span(traces.tracer.build_with_context(span(traces), parent));
    context.span().is_recording().then_some(context)
}

/// A span before it starts.
fn span(name: impl Into<Cow<'static, str>>, kind: SpanKind) -> SpanBuilder {
    SpanBuilder::from_name(name).with_kind(kind)
}
