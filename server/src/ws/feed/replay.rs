//! The replay: what the store has.

use std::sync::Arc;

use super::{Cursor, Feed, Stop};
use crate::log::{After, ChannelInfo, PageLimit, StoreError};
use crate::ws::pages::EncodedPage;
use crate::ws::writer::frame_size::FRAME_MESSAGES_MAX;

impl Feed {
    /// Sends pages, as far as the credit goes, up to the head. Reads nothing if the cursor is there: everything later is
    /// in the live stream. Returns whether this is still the log that was announced.
    pub(super) async fn replay(&self, cursor: &mut Cursor) -> Result<bool, Stop> {
        let mut replayed = 0;
        while cursor.sent.offset < cursor.head {
            let slot = self.out.slot().await?; // first, because a page that was read is kept until it is written
            let credit = usize::try_from(self.credit().left()).unwrap_or(usize::MAX);
            let bytes = self.out.frame_bytes_max();
            let limit = PageLimit { messages: credit.min(FRAME_MESSAGES_MAX), bytes };
            let page = self.page(cursor, limit).await?;
            if !cursor.is_in(&page.info) {
                return Ok(false);
            }
            let ChannelInfo { first, head, .. } = &page.info;
            cursor.head = cursor.head.max(*head);
            let read_all = page.last.is_none() && limit.messages > 0;
            if let Some(last) = page.last {
                cursor.sent = last;
                self.credit().use_up(page.messages as u64, page.frame_bytes() as u64);
                replayed += page.messages as u64;
                self.out.messages(slot, page.bytes, &page.frames).await?;
                self.link.record_sent(last.offset);
            } else {
                drop(slot); // it may be long before there is credit
            }
            // Nothing is left up to the head: it was trimmed or deleted meanwhile. The client sees that in `live`.
            if *first > *head || read_all {
                cursor.sent = After::from(cursor.head);
            }
            if cursor.sent.offset < cursor.head {
                self.credit().some().await;
            }
        }
        self.credit().end_ahead();
        self.report_replay(replayed);
        Ok(true)
    }

    async fn page(&self, cursor: &Cursor, limit: PageLimit) -> Result<Arc<EncodedPage>, StoreError> {
        let (store, pages, dialect) = (&*self.app.store, &self.app.pages, self.out.dialect);
        if limit.messages > 0 {
            pages.share(store, dialect, (self.ch(), &cursor.epoch), cursor.sent, limit).await
        } else {
            Ok(Arc::new(pages.read(store, dialect, self.ch(), cursor.sent, limit).await?))
        }
    }
}
