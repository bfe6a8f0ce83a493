//! Reading a log over HTTP: a page of it, and its ends. The HTTP API and the admin API share this.

use std::time::Instant;

use axum::extract::Query;
use axum::extract::rejection::QueryRejection;
use seamline::wire::{MessageId, code};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::log::history::read_before;
use crate::log::{ChannelState, Page, PageLimit, StoreError};
use crate::refusal::Refusal;
use crate::state::App;

/// The most bytes of payload in a page; the client asks for the next one.
const PAGE_BYTES_MAX: usize = 4 * 1024 * 1024;
/// The most items in a page.
const PAGE_ITEMS_MAX: u64 = 1000;
/// How many items a page has if the client does not say.
const PAGE_ITEMS_DEFAULT: u64 = 100;

/// Which messages: those after an offset, those before one, or the newest ones.
#[derive(Deserialize)]
pub struct ReadQuery {
    after: Option<u64>,
    before: Option<u64>,
    last: Option<u64>,
    limit: Option<u64>,
}

/// Where a page is, and how many messages it has.
enum Range {
    After(u64, usize),
    Before(Option<u64>, usize),
}

impl ReadQuery {
    fn range(&self) -> Result<Range, Refusal> {
        let limit = page_items("limit", self.limit)?;
        match (self.after, self.before, self.last, self.limit) {
            (after, None, None, _) => Ok(Range::After(after.unwrap_or(0), limit)),
            (None, Some(before), None, _) => Ok(Range::Before(Some(before), limit)),
            (None, None, last @ Some(_), None) => Ok(Range::Before(None, page_items("last", last)?)),
            _ => Err(Refusal::new(
                code::BAD_QUERY,
                "`after`, `before` and `last` exclude each other, and `last` excludes `limit`; give one of them",
            )),
        }
    }
}

/// How many items a page has, from a parameter of the query.
pub fn page_items(name: &str, value: Option<u64>) -> Result<usize, Refusal> {
    match value.unwrap_or(PAGE_ITEMS_DEFAULT) {
        items @ 1..=PAGE_ITEMS_MAX => Ok(items as usize),
        items => {
            let message = format!("`{name}` is {items}; it must be from 1 to {PAGE_ITEMS_MAX}");
            Err(Refusal::new(code::BAD_QUERY, message))
        }
    }
}

/// A query, or what is wrong with it.
pub fn query<T>(query: Result<Query<T>, QueryRejection>) -> Result<T, Refusal> {
    query.map(|Query(query)| query).map_err(|e| Refusal::new(code::BAD_QUERY, e.body_text()))
}

/// The answer of [`page`].
#[derive(Serialize)]
pub struct ReadPage {
    epoch: String,
    first: u64,
    head: u64,
    messages: Vec<ReadMessage>,
}

#[derive(Serialize)]
struct ReadMessage {
    id: MessageId,
    offset: u64,
    data: Box<RawValue>,
}

/// Reads a page.
pub async fn page(app: &App, ch: &str, query: &ReadQuery) -> Result<ReadPage, Refusal> {
    let range = query.range()?;
    let begun = Instant::now();
    let limit = |messages| PageLimit { messages, bytes: PAGE_BYTES_MAX };
    let failed = |e: StoreError| Refusal::log_failed(&e, ch);
    let page = match range {
        Range::After(after, messages) => app.store.read(ch, after.into(), limit(messages)).await,
        Range::Before(before, messages) => read_before(&*app.store, ch, before, limit(messages)).await,
    };
    let Page { info, messages } = page.map_err(failed)?.ok_or_else(|| Refusal::unknown_channel(ch))?;
    app.metrics.store_read_seconds.observe(begun.elapsed().as_secs_f64());
    let messages = messages.into_iter().map(|message| {
        let data = RawValue::from_string(message.data.to_string())?;
        Ok(ReadMessage { id: message.id, offset: message.offset, data })
    });
    let not_json = |e: serde_json::Error| failed(StoreError::Failed(e.to_string()));
    let messages = messages.collect::<Result<_, _>>().map_err(not_json)?;
    Ok(ReadPage { epoch: info.epoch, first: info.first, head: info.head, messages })
}

/// The answer of [`ends`].
#[derive(Serialize)]
pub struct ChannelSummary {
    epoch: String,
    first: u64,
    head: u64,
    last_id: Option<MessageId>,
}

impl From<ChannelState> for ChannelSummary {
    fn from(ChannelState { info, last_id }: ChannelState) -> Self {
        ChannelSummary { epoch: info.epoch, first: info.first, head: info.head, last_id }
    }
}

/// The ends of a log. It creates no channel.
pub async fn ends(app: &App, ch: &str) -> Result<ChannelSummary, Refusal> {
    let found = app.store.peek(ch).await.map_err(|e| Refusal::log_failed(&e, ch))?;
    found.map(ChannelSummary::from).ok_or_else(|| Refusal::unknown_channel(ch))
}
