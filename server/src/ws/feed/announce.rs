//! Announces to the client where a subscription starts.

use seamline::wire::Position;
use tracing::warn;

use super::start_point::{RequestedStart, ResolvedStart, decide};
use super::{Cursor, Feed, Place, Stop};
use crate::log::{After, ChannelInfo, Resumed};
use crate::ws::dialect::frames::ToClient;

impl Feed {
    /// Decides where to start in this log, or where to continue if it has replaced another one, and sends `subd`.
    pub(super) async fn announce(&self, place: &Place, mut info: ChannelInfo) -> Result<Cursor, Stop> {
        let resolved = self.resolve(place).await?;
        // A position that the store has found may be newer than this extent.
        if resolved.position().is_some_and(|at| at.epoch != info.epoch || at.offset > info.head) {
            info = self.app.store.info(self.ch()).await?;
        }
        let start = decide(&resolved, &info);
        if let ResolvedStart::End(_) = resolved {
            Box::pin(self.store_start_point(&info, start.at)).await;
        }
        self.report_start(&resolved, &start, &info);
        let frame = ToClient::Subd {
            ch: self.ch().into(),
            epoch: info.epoch.clone(),
            first: info.first,
            head: info.head,
            at: start.at,
            at_epoch: start.at_epoch,
            reference: self.link.reference,
            resumed: start.resumed,
        };
        self.out.bulk(&frame).await?;
        let id = match resolved {
            ResolvedStart::Position(position) | ResolvedStart::Stored(position) if start.resumed => {
                position.id
            }
            _ => None,
        };
        let sent = After { offset: start.after, id };
        self.link.record_sent(sent.offset);
        Ok(Cursor { epoch: info.epoch.into(), sent, head: info.head, announced: true })
    }

    async fn resolve(&self, place: &Place) -> Result<ResolvedStart, Stop> {
        let start = match place {
            Place::Requested(start) => start,
            Place::Reached(Cursor { epoch, sent, .. }) => {
                let position = Position { epoch: epoch.to_string(), offset: sent.offset, id: sent.id };
                return Ok(ResolvedStart::Position(position));
            }
        };
        let store = &self.app.store;
        Ok(match &**start {
            RequestedStart::After(position) => ResolvedStart::Position(position.clone()),
            RequestedStart::AfterId(id) => ResolvedStart::Position(store.locate(self.ch(), *id).await?),
            RequestedStart::At(end) => ResolvedStart::End(*end),
            RequestedStart::Stored { otherwise } => {
                match store.resume(self.owner().lookup_keys(self.ch()), *otherwise).await? {
                    Resumed::Stored(position) => ResolvedStart::Stored(position),
                    Resumed::StartPoint(position) => ResolvedStart::StartPoint(position),
                }
            }
        })
    }

    /// Stores the start point of a page load before anything is sent to it. If the page ends before it has
    /// processed a message, the next page load starts there again. A log that accepts no writes can still be
    /// read, so an error changes nothing.
    async fn store_start_point(&self, log: &ChannelInfo, offset: u64) {
        let Some(own) = self.owner().own_key(self.ch()) else { return };
        let position = Position { epoch: log.epoch.clone(), offset, id: None };
        if let Err(e) = self.app.store.store_positions(vec![(own, position)]).await
            && !e.is_unavailable()
        {
            warn!(ch = self.ch(), "cannot store the start point: {e}");
        }
    }
}
