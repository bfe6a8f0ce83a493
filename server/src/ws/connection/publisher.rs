//! Answers a socket's publications when the log has them.
//!
//! The connection hands publications to the log as they come and does not wait for each: the
//! tickets are collected here, so a socket publishes at the pace of groups, not of single commits.

use std::sync::Arc;

use seamline::wire::ServerFrame;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tracing::error;

use super::held::Held;
use crate::log::{Append, Appended, PendingAppend, StoreError};
use crate::state::App;
use crate::ws::dialect::frames::ToClient;
use crate::ws::writer::{Gone, Outgoing};

/// How many publications of one socket may be on their way to the disk; then it is not read from.
const IN_FLIGHT_MAX: usize = 256;
/// A failing log is not asked again at once.
const RETRY_AFTER_MS: u64 = 1000;

pub(in crate::ws) struct Publisher {
    tickets: mpsc::Sender<(Name, PendingAppend)>,
    held: Held,
    task: JoinHandle<()>,
}

/// What a publication is called in its answer. Its payload is the log's, and is not kept here.
struct Name {
    ch: String,
    key: String,
    /// When it came, among the socket's publications.
    number: u64,
}

impl Publisher {
    /// One for a socket.
    pub fn new(app: Arc<App>, out: Outgoing, held: Held) -> Self {
        let (tickets, mut queue) = mpsc::channel::<(Name, PendingAppend)>(IN_FLIGHT_MAX);
        let failed = held.clone();
        let task = tokio::spawn(async move {
            while let Some((name, ticket)) = queue.recv().await {
                let result = ticket.await;
                if result.is_err() {
                    failed.hold(&name.ch, &name.key, name.number);
                }
                if out.answer(&answer(&app, name, result)).await.is_err() {
                    return; // the messages are stored all the same; the client asks again
                }
            }
        });
        Publisher { tickets, held, task }
    }

    /// Hands a publication to the log, in the order of the calls.
    pub async fn publish(&self, app: &App, out: &Outgoing, append: Append, number: u64) -> Result<(), Gone> {
        let name = Name { ch: append.ch.clone(), key: append.key.clone().unwrap_or_default(), number };
        match app.store.submit(append).await {
            Ok(ticket) => self.tickets.send((name, ticket)).await.map_err(|_| Gone),
            Err(e) => {
                self.held.hold(&name.ch, &name.key, name.number);
                out.answer(&answer(app, name, Err(e))).await
            }
        }
    }

    /// Takes no more, and returns when all have been answered.
    pub async fn finish(self) {
        drop(self.tickets);
        let _ = self.task.await;
    }
}

fn answer(app: &App, Name { ch, key, .. }: Name, result: Result<Appended, StoreError>) -> ToClient<'static> {
    match result {
        Ok(Appended { id, offset, duplicate }) => {
            app.metrics.appended.inc_by(u64::from(!duplicate));
            ServerFrame::PubAck { ch, key, id, offset }
        }
        Err(e) => {
            if !e.is_reported() {
                error!("{e}");
            }
            refusal(app, ch, key, "log_error", "the log failed; try again later", Some(RETRY_AFTER_MS))
        }
    }
}

/// A `pubnack`; it is counted.
pub(in crate::ws) fn refusal(
    app: &App,
    ch: String,
    key: String,
    code: &'static str,
    message: &str,
    retry_after_ms: Option<u64>,
) -> ToClient<'static> {
    app.metrics.refused(code);
    let (code, message) = (code.into(), message.into());
    ToClient::PubNack { ch, key, code, message, retry_after_ms }
}
