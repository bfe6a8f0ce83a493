//! Publishing to many channels in one request.

use std::sync::Arc;
use std::time::Instant;

use axum::Json;
use axum::extract::State;
use axum::extract::rejection::BytesRejection;
use bytes::Bytes;
use seamline::wire::{MessageId, code};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::http::error::ApiError;
use crate::limits::names;
use crate::log::{Append, Appended, PendingAppend};
use crate::refusal::Refusal;
use crate::state::App;
use crate::trace;

/// The most messages in a request.
const MESSAGES_MAX: usize = 1000;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Request {
    messages: Vec<Publication>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Publication {
    ch: String,
    #[serde(default, deserialize_with = "super::present")]
    key: Option<String>,
    data: Box<RawValue>,
}

/// The answer: one result per message, in their order.
#[derive(Serialize)]
pub(super) struct Published {
    results: Vec<Outcome>,
}

#[derive(Serialize)]
struct Outcome {
    ch: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<String>,
    #[serde(flatten)]
    result: Stored,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Stored {
    Yes { id: MessageId, offset: u64, duplicate: bool },
    No { error: Error },
}

#[derive(Serialize)]
struct Error {
    code: &'static str,
    message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_after_ms: Option<u64>,
}

impl From<Result<Appended, Refusal>> for Stored {
    fn from(result: Result<Appended, Refusal>) -> Self {
        match result {
            Ok(Appended { id, offset, duplicate }) => Stored::Yes { id, offset, duplicate },
            Err(refusal) => {
                let retry_after_ms = refusal.retry_after_ms();
                Stored::No { error: Error { code: refusal.code, message: refusal.message, retry_after_ms } }
            }
        }
    }
}

/// `POST /admin/publish`: stores messages in any channels. One that is refused does not keep others from being stored.
pub(super) async fn publish(
    State(app): State<Arc<App>>,
    trace: trace::Context,
    body: Result<Bytes, BytesRejection>,
) -> Result<Json<Published>, ApiError> {
    let arrived = Instant::now();
    let Request { messages } = super::json(body, super::PUBLISH_BYTES_MAX)?;
    if messages.len() > MESSAGES_MAX {
        let message = format!("there are {} messages; a request may have {MESSAGES_MAX}", messages.len());
        return Err(Refusal::new(code::TOO_LARGE, message).into());
    }
    let mut submitted = Vec::with_capacity(messages.len());
    for Publication { ch, key, data } in messages {
        let pending = submit(&app, &ch, key.clone(), data, &trace).await;
        submitted.push((ch, key, Instant::now(), pending));
    }
    let mut results = Vec::with_capacity(submitted.len());
    for (ch, key, since, pending) in submitted {
        let result = match pending {
            Ok(pending) => pending.await.map_err(|e| Refusal::not_stored(&e, &ch)),
            Err(refusal) => Err(refusal),
        };
        match &result {
            Ok(appended) => app.metrics.published(appended.duplicate, arrived, since),
            Err(refusal) => app.metrics.refused(refusal.code),
        }
        let (ch, key) = (names::truncated(ch), key.map(names::truncated));
        results.push(Outcome { ch, key, result: result.into() });
    }
    Ok(Json(Published { results }))
}

/// Checks a message and queues it, so that those of one request are stored in their order.
async fn submit(
    app: &App,
    ch: &str,
    key: Option<String>,
    data: Box<RawValue>,
    trace: &trace::Context,
) -> Result<PendingAppend, Refusal> {
    names::check_channel(ch)?;
    key.as_deref().map_or(Ok(()), names::check_key)?;
    let bytes_max = app.config.max_frame_bytes;
    if data.get().len() as u64 > bytes_max {
        let message = format!("`data` has {} bytes; the limit is {bytes_max}", data.get().len());
        return Err(Refusal::new(code::TOO_LARGE, message));
    }
    let data = Box::<str>::from(data).into();
    let append = Append { ch: ch.to_owned(), key, data, trace: trace.clone() };
    trace::submit(&*app.store, append).await.map_err(|e| Refusal::not_stored(&e, ch))
}
