//! The span of a run of messages, from the hub to the sockets. Subscribers that take the same run share it.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use opentelemetry::trace::{Link, SpanKind, TraceContextExt};
use opentelemetry::{Context as Parent, KeyValue};

use super::spans::{integer, of_channel};
use super::{begin, span};
use crate::log::Message;

/// A message in the hub: the span of its append, and when it came. None if it is not sampled.
#[derive(Clone, Default)]
pub struct Published(Option<(Parent, SystemTime)>);

impl Published {
    pub(super) fn now(append: Option<&Parent>) -> Self {
        Published(append.map(|append| (append.clone(), SystemTime::now())))
    }
}

/// The sampled messages of a run, in their order.
#[derive(Default)]
pub struct Batch(Vec<(Parent, SystemTime)>);

impl Batch {
    /// Adds the next message.
    pub fn add(&mut self, message: Published) {
        self.0.extend(message.0);
    }

    /// The span of the run that has these messages of the channel, if one of them is sampled. It belongs below the
    /// append of the first one that is, and has links to those of the others.
    pub fn delivery(self, ch: &str, messages: &[Arc<Message>]) -> Delivery {
        let Some(((parent, since), others)) = self.0.split_first() else { return Delivery(None) };
        let links = others.iter().map(|(append, _)| Link::with_context(append.span().span_context().clone()));
        let started = begin(parent, |_| {
            let mut attributes = of_channel("deliver", ch);
            let first = messages.first().map_or(0, |first| first.offset);
            attributes.extend([
                KeyValue::new("messaging.operation.type", "send"),
                KeyValue::new("messaging.batch.message_count", integer(messages.len() as u64)),
                KeyValue::new("seamline.offset", integer(first)),
            ]);
            let span = span("deliver", SpanKind::Producer).with_attributes(attributes);
            span.with_links(links.collect()).with_start_time(*since)
        });
        Delivery(
            started.map(|span| Arc::new(Shared { span, sockets: AtomicU64::new(0), last: Mutex::default() })),
        )
    }
}

/// The span of a run. It ends when nobody has the run any more, with the time of the last write.
pub struct Delivery(Option<Arc<Shared>>);

struct Shared {
    span: Parent,
    /// How many sockets it was written into.
    sockets: AtomicU64,
    /// When that was done the last time. A plain mutex: it is held for an assignment.
    last: Mutex<Option<SystemTime>>,
}

impl Drop for Shared {
    fn drop(&mut self) {
        let span = self.span.span();
        span.set_attribute(KeyValue::new("seamline.sockets", integer(*self.sockets.get_mut())));
        let last = *self.last.get_mut().unwrap_or_else(PoisonError::into_inner);
        span.end_with_timestamp(last.unwrap_or_else(SystemTime::now));
    }
}

/// The runs that one socket has taken, and not written yet.
#[derive(Default)]
pub struct Deliveries(Vec<Arc<Shared>>);

impl Deliveries {
    /// Adds the run that was taken last.
    pub fn take(&mut self, run: &Delivery) {
        self.0.extend(run.0.clone());
    }

    /// They have been written: all of them, or all but a part of the last one.
    pub fn written(&mut self, all: bool) {
        if self.0.is_empty() {
            return;
        }
        let now = SystemTime::now();
        let count = if all { self.0.len() } else { self.0.len() - 1 };
        for run in self.0.drain(..count) {
            run.sockets.fetch_add(1, Ordering::Relaxed);
            *run.last.lock().unwrap_or_else(PoisonError::into_inner) = Some(now);
        }
    }
}
