//! The spans of a publication: the frame of a socket, and the append to the store.

use std::fmt;

use futures::future::FutureExt;
use opentelemetry::trace::{SpanKind, Status, TraceContextExt};
use opentelemetry::{Context as Parent, KeyValue};
use seamline::wire::code;

use super::delivery::Published;
use super::{begin, span};
use crate::limits::names;
use crate::log::{Append, Appended, PendingAppend, Store, StoreError};

/// A span that others belong below. None if it is not sampled.
#[derive(Clone, Default)]
pub struct Context(pub(super) Option<Parent>);

impl fmt::Debug for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Context({})", if self.0.is_some() { "sampled" } else { "none" })
    }
}

impl Context {
    /// Notes the code with which the publication is refused. It is an error if the publisher can do nothing about it.
    pub fn refused(&self, code: &'static str) {
        let Some(context) = &self.0 else { return };
        let span = context.span();
        span.set_attribute(KeyValue::new("seamline.code", code));
        if [code::LOG_ERROR, code::AUTHORIZATION_ERROR].contains(&code) {
            span.set_attribute(KeyValue::new("error.type", code));
            span.set_status(Status::error(code));
        }
    }

    /// The message is about to be passed to the hub.
    pub fn published(&self) -> Published {
        Published::now(self.0.as_ref())
    }
}

/// Ends the span when it is dropped. Clones of the context may live longer.
pub(super) struct Ending(pub Parent);

impl Drop for Ending {
    fn drop(&mut self) {
        self.0.span().end();
    }
}

/// The span of a `pub` frame, up to the moment at which its answer is queued. It begins a trace.
pub struct Publication(Option<Ending>);

impl Publication {
    /// The frame has come.
    pub fn received(ch: &str, payload: &str) -> Self {
        let started = begin(&Parent::new(), |_| {
            let more = KeyValue::new("network.protocol.name", "websocket");
            span("pub", SpanKind::Server).with_attributes(of_message("publish", ch, payload, more))
        });
        Publication(started.map(Ending))
    }

    /// For what belongs below this span.
    pub fn context(&self) -> Context {
        Context(self.0.as_ref().map(|ending| ending.0.clone()))
    }
}

/// Submits to the store. A span has the time until the message is stored durably, or rejected.
pub async fn submit(store: &dyn Store, mut append: Append) -> Result<PendingAppend, StoreError> {
    let Some(parent) = append.trace.0.take() else { return store.submit(append).await };
    let started = begin(&parent, |traces| {
        let more = KeyValue::new("seamline.log", traces.log);
        span("append", SpanKind::Internal).with_attributes(of_message(
            "append",
            &append.ch,
            &append.data,
            more,
        ))
    });
    let Some(context) = started else { return store.submit(append).await };
    let ending = Ending(context.clone());
    append.trace = Context(Some(context));
    match store.submit(append).await {
        Ok(pending) => Ok(stored(pending, ending).boxed()),
        Err(e) => {
            failed(ending, &e);
            Err(e)
        }
    }
}

async fn stored(pending: PendingAppend, ending: Ending) -> Result<Appended, StoreError> {
    let result = pending.await;
    match &result {
        Ok(Appended { id, offset, duplicate }) => ending.0.span().set_attributes([
            KeyValue::new("messaging.message.id", id.to_string()),
            KeyValue::new("seamline.offset", integer(*offset)),
            KeyValue::new("seamline.duplicate", *duplicate),
        ]),
        Err(e) => failed(ending, e),
    }
    result
}

fn failed(ending: Ending, e: &StoreError) {
    Context(Some(ending.0.clone())).refused(match e {
        StoreError::KeyConflict => code::KEY_CONFLICT,
        _ => code::LOG_ERROR,
    });
}

/// The attributes of a span about a channel, by OpenTelemetry's conventions for messaging.
pub(super) fn of_channel(operation: &'static str, ch: &str) -> Vec<KeyValue> {
    vec![
        KeyValue::new("messaging.system", "seamline"),
        KeyValue::new("messaging.operation.name", operation),
        KeyValue::new("messaging.destination.name", names::truncated(ch.to_owned())),
    ]
}

/// The attributes of a span about a message, and one more.
fn of_message(operation: &'static str, ch: &str, payload: &str, more: KeyValue) -> Vec<KeyValue> {
    let mut attributes = of_channel(operation, ch);
    attributes.extend([KeyValue::new("messaging.message.body.size", integer(payload.len() as u64)), more]);
    attributes
}

/// As the value of an attribute.
pub(super) fn integer(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
