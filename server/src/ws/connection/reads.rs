//! Answers `read`: messages of the past, for a client that scrolls back.

use std::net::IpAddr;
use std::sync::Arc;

use seamline::wire::Read;
use tokio::task::JoinSet;

use super::Connection;
use super::end::End;
use crate::auth::Action;
use crate::limits::names;
use crate::log::history::read_before;
use crate::log::{Page, PageLimit};
use crate::refusal::Refusal;
use crate::state::App;
use crate::ws::dialect::frames;
use crate::ws::writer::frame_size::FRAME_MESSAGES_MAX;
use crate::ws::writer::{Gone, Outgoing};

/// How many run at once on one socket. The socket is read on when one of them is done.
const READS_MAX: usize = 4;

/// Those that run. They end with the connection.
pub(super) type Reads = JoinSet<()>;

/// One of them, in a task: it waits for the authorization service, for the log and for the writer.
struct Reading {
    app: Arc<App>,
    out: Outgoing,
    address: IpAddr,
    user: Arc<str>,
    read: Read,
}

impl Connection {
    pub(super) async fn read_history(&mut self, read: Read) -> Result<(), End> {
        let check =
            names::check_channel(&read.ch).and_then(|()| self.user.check_grant(Action::Read, &read.ch));
        if let Err(refusal) = check {
            self.record(&refusal);
            let text = frames::readnack(read.reference, &names::truncated(read.ch), &refusal);
            return Ok(self.out.answer_text(text).await?);
        }
        let reads = self.reads.get_or_insert_with(Box::default);
        while reads.try_join_next().is_some() {}
        if reads.len() == READS_MAX {
            reads.join_next().await;
        }
        let (app, out, user) = (self.app.clone(), self.out.clone(), self.user.name.clone());
        let reading = Reading { app, out, address: self.guard.address, user, read };
        reads.spawn(async move {
            let _ = reading.answer().await; // or the client has gone
        });
        Ok(())
    }
}

impl Reading {
    async fn answer(self) -> Result<(), Gone> {
        // First, because a page that was read is kept until it is written.
        let slot = self.out.slot().await?;
        let Read { ch, reference, .. } = &self.read;
        match self.page().await {
            Ok(page) => self.out.bulk_text_in(slot, frames::page(*reference, ch, &page)).await,
            Err(refusal) => {
                self.app.refusals.record_of(self.address, &self.user, &refusal);
                self.out.bulk_text_in(slot, frames::readnack(*reference, ch, &refusal)).await
            }
        }
    }

    async fn page(&self) -> Result<Page, Refusal> {
        let Read { ch, before, limit, .. } = &self.read;
        self.app.auth.authorize(&self.user, Action::Read, ch).await?;
        let messages = usize::try_from(*limit).unwrap_or(usize::MAX).min(FRAME_MESSAGES_MAX);
        let limit = PageLimit { messages, bytes: self.out.frame_bytes_max() };
        let page = read_before(&*self.app.store, ch, *before, limit).await;
        page.map_err(|e| Refusal::log_failed(&e, ch))?.ok_or_else(|| Refusal::unknown_channel(ch))
    }
}
