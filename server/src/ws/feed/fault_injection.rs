//! A feed that is wrong on purpose, so that the tests of the seam can show that they would notice. Only a build with
//! the feature `fault-injection` has it.

use std::time::Duration;

use tokio::time::sleep;
use tracing::debug;

use super::{Feed, Place, Stop};
use crate::log::hub::LiveStream;

impl Feed {
    /// Reads the replay first and subscribes after it: messages that are published in between are lost.
    pub(super) async fn replay_before_subscribing(&self, place: &mut Place) -> Result<LiveStream, Stop> {
        if let Place::Requested(_) = place {
            let info = self.app.store.info(self.ch()).await?;
            let mut cursor = self.announce(place, info).await?;
            self.replay(&mut cursor).await?;
            *place = Place::Reached(cursor);
            self.delay_in_the_seam().await;
        }
        let stream = self.app.hub.subscribe(self.ch());
        self.app.store.follow(self.ch()).await?;
        let sent = match place {
            Place::Reached(cursor) => cursor.sent.offset,
            Place::Requested(_) => 0,
        };
        self.send_live(sent).await?;
        Ok(stream)
    }

    /// Waits between subscribing and reading the replay, to widen the window of the race.
    pub(super) async fn delay_in_the_seam(&self) {
        let delay_ms = self.app.config.faults.unsafe_seam_delay_ms;
        if delay_ms > 0 {
            debug!(ch = self.ch(), "waits in the seam"); // the tests look for this line
            sleep(Duration::from_millis(delay_ms)).await;
        }
    }
}
