//! Submits a socket's publications to the store, and answers them when they are stored.
//!
//! The connection submits publications as they come, without waiting for each. The pending appends are collected here,
//! so a socket publishes as fast as groups are committed, not single messages.

use std::sync::Arc;
use std::time::Instant;

use seamline::wire::ServerFrame;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::order::PublicationOrder;
use super::refused;
use crate::log::{Append, Appended, PendingAppend, StoreError};
use crate::refusal::Refusal;
use crate::state::App;
use crate::trace;
use crate::ws::writer::{Gone, Outgoing};

/// How many publications of one socket may be on their way to the disk. Then its frames are not read.
const IN_FLIGHT_MAX: usize = 256;

pub(in crate::ws::connection) struct Publisher {
    pending: mpsc::Sender<(Publication, PendingAppend)>,
    answers: Answers,
    task: JoinHandle<()>,
}

/// What names a publication in its answer. The store has its payload, which is not kept here.
struct Publication {
    ch: String,
    key: String,
    /// Its place among the socket's publications.
    number: u64,
    arrived: Instant,
    submitted: Instant,
    span: trace::Publication,
}

impl Publisher {
    /// One for a socket.
    pub fn new(app: Arc<App>, out: Outgoing, order: PublicationOrder) -> Self {
        let (pending, mut queue) = mpsc::channel::<(Publication, PendingAppend)>(IN_FLIGHT_MAX);
        let answers = Answers { app, out, order };
        let stored = answers.clone();
        let task = tokio::spawn(async move {
            while let Some((publication, pending)) = queue.recv().await {
                if stored.send(publication, pending.await).await.is_err() {
                    return; // the messages are stored all the same; the client asks again
                }
            }
        });
        Publisher { pending, answers, task }
    }

    /// Submits a publication to the store, in the order of the calls.
    pub async fn publish(
        &self,
        append: Append,
        number: u64,
        arrived: Instant,
        span: trace::Publication,
    ) -> Result<(), Gone> {
        let (ch, key) = (append.ch.clone(), append.key.clone().unwrap_or_default());
        let publication = Publication { ch, key, number, arrived, submitted: Instant::now(), span };
        match trace::submit(&*self.answers.app.store, append).await {
            Ok(pending) => self.pending.send((publication, pending)).await.map_err(|_| Gone),
            Err(e) => self.answers.send(publication, Err(e)).await,
        }
    }

    /// Accepts no more, and returns when all have been answered.
    pub async fn finish(self) {
        drop(self.pending);
        let _ = self.task.await;
    }
}

#[derive(Clone)]
struct Answers {
    app: Arc<App>,
    out: Outgoing,
    order: PublicationOrder,
}

impl Answers {
    /// Answers a publication. One that failed for now is held until the client sends it again.
    async fn send(&self, publication: Publication, result: Result<Appended, StoreError>) -> Result<(), Gone> {
        let Publication { ch, key, number, arrived, submitted, span } = publication;
        let frame = match result {
            Ok(Appended { id, offset, duplicate }) => {
                self.app.metrics.published(duplicate, arrived, submitted);
                ServerFrame::PubAck { ch, key, id, offset }
            }
            Err(e) => {
                let refusal = Refusal::not_stored(&e, &ch);
                span.context().refused(refusal.code);
                if refusal.retry_after.is_some() {
                    self.order.hold(&ch, &key, number);
                }
                refused(&self.app, ch, key, refusal)
            }
        };
        self.out.answer(&frame).await
    }
}
