//! The live stream: what the hub has.

use serde_json::value::RawValue;

use super::{Cursor, Feed, Stop};
use crate::log::After;
use crate::log::hub::{Cast, LiveStream, Next};
use crate::ws::dialect::frames::ToClient;
use crate::ws::writer::frame_size::FRAME_MESSAGES_MAX;
use crate::ws::writer::{Gone, Slot};

impl Feed {
    /// Sends `live`: the replay has reached the head.
    pub(super) async fn send_live(&self, head: u64) -> Result<(), Gone> {
        self.out.bulk(&ToClient::Live { ch: self.ch().into(), head, reference: self.reference }).await
    }

    /// Sends what is published, in one frame if several messages wait. What the replay has sent already is sent again:
    /// the client knows best what it has seen. Returns when the live stream has left something out, or ends because the
    /// log has been replaced.
    pub(super) async fn stream(
        &self,
        live: &mut LiveStream,
        cursor: &mut Cursor,
        resync: bool,
    ) -> Result<(), Stop> {
        loop {
            live.ready().await;
            let slot = self.out.slot().await?; // until then, what waits is the hub's, and bounded there
            let run = match live.take(FRAME_MESSAGES_MAX, self.out.frame_bytes_max()) {
                Next::Messages(run) => run,
                Next::Cast(cast) => {
                    Box::pin(self.pass_on(slot, cast)).await?;
                    continue;
                }
                Next::Missed(missed) => {
                    self.report_resync(missed);
                    return Ok(());
                }
                Next::End => {
                    cursor.announced = false;
                    return Ok(());
                }
                Next::Nothing => continue,
            };
            let first = run.first().map_or(0, |first| first.offset);
            let missed = first.saturating_sub(cursor.sent.offset.saturating_add(1));
            if resync && missed > 0 {
                self.report_resync(missed);
                return Ok(());
            }
            self.report_live(&run, cursor.sent.offset);
            if let Some(last) = run.last().filter(|last| last.offset > cursor.sent.offset) {
                cursor.sent = After { offset: last.offset, id: Some(last.id) };
            }
            let bytes = run.iter().map(|message| message.data.len()).sum();
            let frames = self.out.dialect.messages(self.ch(), run.iter().map(|message| &**message), false);
            Box::pin(self.out.messages(slot, bytes, &frames)).await?; // boxed, because a feed mostly waits
        }
    }

    async fn pass_on(&self, slot: Slot, cast: Cast) -> Result<(), Gone> {
        if cast.from == self.connection {
            return Ok(());
        }
        // It was parsed when it arrived.
        let Ok(data) = serde_json::from_str::<&RawValue>(&cast.data) else { return Ok(()) };
        self.out.bulk_in(slot, &ToClient::Cast { ch: self.ch().into(), data }).await
    }
}
