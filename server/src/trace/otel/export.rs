//! Exporting: spans that have ended wait in a bounded queue, and the SDK's own thread sends them in batches.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use opentelemetry::{Context, KeyValue};
use opentelemetry_otlp::{Protocol, WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::resource::{EnvResourceDetector, TelemetryResourceDetector};
use opentelemetry_sdk::trace::{
    BatchConfigBuilder, BatchSpanProcessor, SdkTracerProvider, Span, SpanData, SpanExporter, SpanProcessor,
};
use tracing::warn;

use super::client::{Client, TIMEOUT};
use super::settings::{Collector, variable};
use crate::error::SetupError;

/// How many spans wait, or are on their way. Further ones are dropped.
const WAITING_MAX: usize = 2048;
/// The time from one line about dropped spans to the next.
const LOG_INTERVAL: Duration = Duration::from_secs(60);

/// What records spans for this collector. OpenTelemetry's variables count for what is not set here.
pub(super) fn provider(collector: Collector) -> Result<SdkTracerProvider, SetupError> {
    let url = collector.url.to_string();
    let client = Client::new(collector)?;
    let builder = opentelemetry_otlp::SpanExporter::builder().with_http();
    let builder = builder.with_endpoint(&url).with_protocol(Protocol::HttpBinary).with_timeout(TIMEOUT);
    let exporter = builder.with_http_client(client).build();
    let exporter = exporter.map_err(|e| SetupError::new(format!("cannot export traces to {url}"), e))?;
    let waiting = Arc::new(Waiting::default());
    let exporter = Counted { exporter, waiting: waiting.clone() };
    let config = BatchConfigBuilder::default().with_max_queue_size(WAITING_MAX).build();
    let queue = BatchSpanProcessor::builder(exporter).with_batch_config(config).build();
    let provider = SdkTracerProvider::builder().with_resource(resource());
    Ok(provider.with_span_processor(Bounded { queue, waiting }).build())
}

/// What describes this process.
fn resource() -> Resource {
    let defaults = [
        KeyValue::new("service.name", "seamline-server"),
        KeyValue::new("service.version", env!("CARGO_PKG_VERSION")),
        KeyValue::new("service.instance.id", format!("{:016x}", crate::random::bits())),
    ];
    let resource = Resource::builder_empty().with_attributes(defaults);
    let resource = resource.with_detector(Box::new(TelemetryResourceDetector));
    let resource = resource.with_detector(Box::new(EnvResourceDetector::new()));
    match variable("OTEL_SERVICE_NAME") {
        Some(name) => resource.with_service_name(name),
        None => resource,
    }
    .build()
}

/// The spans that wait or are on their way, and those that found no room.
#[derive(Debug, Default)]
struct Waiting {
    spans: AtomicUsize,
    dropped: AtomicU64,
    /// When dropped spans were logged the last time.
    logged: Mutex<Option<Instant>>,
}

impl Waiting {
    /// Whether there is room for another span, which counts from now on.
    fn enters(&self) -> bool {
        let room = self.spans.fetch_add(1, Ordering::Relaxed) < WAITING_MAX;
        if !room {
            self.spans.fetch_sub(1, Ordering::Relaxed);
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
        room
    }

    fn leave(&self, spans: usize) {
        self.spans.fetch_sub(spans, Ordering::Relaxed);
    }

    /// Returns how many spans were dropped since the last line about that, if it is time for another.
    fn to_log(&self, now: Instant) -> Option<u64> {
        let mut logged = self.logged.lock().unwrap_or_else(PoisonError::into_inner);
        if logged.is_some_and(|at| now.saturating_duration_since(at) < LOG_INTERVAL) {
            return None;
        }
        let dropped = self.dropped.swap(0, Ordering::Relaxed);
        (dropped > 0).then(|| {
            *logged = Some(now);
            dropped
        })
    }
}

/// The queue. The SDK's own also has a limit, but does not report what it drops.
#[derive(Debug)]
struct Bounded {
    queue: BatchSpanProcessor,
    waiting: Arc<Waiting>,
}

impl SpanProcessor for Bounded {
    fn on_start(&self, span: &mut Span, context: &Context) {
        self.queue.on_start(span, context);
    }

    fn on_end(&self, span: SpanData) {
        if self.waiting.enters() {
            self.queue.on_end(span);
        }
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.queue.force_flush()
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.queue.shutdown_with_timeout(timeout)
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.queue.set_resource(resource);
    }
}

/// Counts the spans that leave the queue.
#[derive(Debug)]
struct Counted {
    exporter: opentelemetry_otlp::SpanExporter,
    waiting: Arc<Waiting>,
}

impl SpanExporter for Counted {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let count = batch.len();
        let result = self.exporter.export(batch).await;
        self.waiting.leave(count);
        // Here, because this thread keeps nobody waiting.
        if let Some(dropped) = self.waiting.to_log(Instant::now()) {
            warn!(
                "{dropped} spans were dropped: there are more than the collector takes; sample fewer traces"
            );
        }
        result
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.exporter.shutdown_with_timeout(timeout)
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.exporter.set_resource(resource);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_beyond_the_limit_are_dropped_and_logged() {
        let (waiting, start) = (Waiting::default(), Instant::now());
        assert_eq!((0..WAITING_MAX + 5).filter(|_| waiting.enters()).count(), WAITING_MAX);
        assert_eq!((waiting.to_log(start), waiting.to_log(start)), (Some(5), None));
        waiting.leave(1);
        assert_eq!([waiting.enters(), waiting.enters()], [true, false]);
        assert_eq!(waiting.to_log(start + LOG_INTERVAL / 2), None);
        assert_eq!(waiting.to_log(start + LOG_INTERVAL), Some(1));
    }
}
