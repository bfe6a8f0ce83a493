//! One subscription: the replay, the seam, and the live stream.
//!
//! `start_point` decides where the subscription starts, and `announce` sends that to the client. `replay` sends pages
//! from the store, as far as the client's `credit` goes. Until then, a feed has a task of its own. Then it is `live`:
//! the socket's writer has it, and takes from it what the hub has. The connection holds its `link`.

mod announce;
mod authorization;
pub(super) mod credit;
#[cfg(feature = "fault-injection")]
mod fault_injection;
pub(super) mod link;
pub(super) mod live;
mod replay;
pub(super) mod start_point;
mod telemetry;

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{sleep, timeout};
use tracing::debug;

use self::credit::Credit;
use self::link::Link;
use self::live::LiveFeed;
use self::start_point::RequestedStart;
use super::registry::Entry;
use super::writer::{Gone, Outgoing};
use crate::log::hub::LiveStream;
use crate::log::{After, ChannelInfo, Health, Owner, StoreError};
use crate::refusal::Refusal;
use crate::state::App;

/// A store that is unavailable is asked again after this time, even if it does not seem to have recovered.
const STORE_RETRY_INTERVAL: Duration = Duration::from_secs(2);

/// See the module. It replays in a task of its own, so that waiting for credit or for a slow socket holds up nothing
/// else.
pub(super) struct Feed {
    pub app: Arc<App>,
    /// The socket's.
    pub entry: Arc<Entry>,
    pub link: Arc<Link>,
    pub out: Outgoing,
}

impl Drop for Feed {
    fn drop(&mut self) {
        self.app.metrics.subscriptions.dec();
    }
}

/// Why a feed ends by itself.
enum Stop {
    Gone,
    Store(StoreError),
}

impl From<Gone> for Stop {
    fn from(_: Gone) -> Self {
        Stop::Gone
    }
}

impl From<StoreError> for Stop {
    fn from(e: StoreError) -> Self {
        Stop::Store(e)
    }
}

/// Where a subscription is.
enum Place {
    /// Its start was not announced yet.
    Requested(Box<RequestedStart>),
    Reached(Cursor),
}

/// How far a subscription has come.
struct Cursor {
    epoch: Box<str>,
    sent: After,
    /// The log had messages up to this one when the feed was listening to the live stream already.
    head: u64,
    /// Whether the client knows that it is this log. It does not after the log has been replaced.
    announced: bool,
}

impl Cursor {
    /// Whether this is the log that was read, and not an older copy of it.
    fn is_in(&self, log: &ChannelInfo) -> bool {
        *log.epoch == *self.epoch && log.head >= self.sent.offset
    }
}

impl Feed {
    pub async fn run(self: Box<Self>, start: Box<RequestedStart>) {
        if Box::pin(self.authorized()).await {
            self.follow(Place::Requested(start)).await;
        }
    }

    /// Goes on after a time in which it was live.
    async fn run_again(self: Box<Self>, cursor: Cursor) {
        self.follow(Place::Reached(cursor)).await;
    }

    fn ch(&self) -> &str {
        &self.link.ch
    }

    fn owner(&self) -> &Owner {
        &self.entry.owner
    }

    fn credit(&self) -> &Credit {
        &self.link.credit
    }

    /// Crosses the seam, and becomes a live feed.
    async fn follow(self: Box<Self>, mut place: Place) {
        match self.reach_head(&mut place).await {
            Ok(stream) => {
                let Place::Reached(cursor) = place else { return };
                let out = self.out.clone();
                out.live(Box::new(LiveFeed { feed: *self, stream, cursor })).await;
            }
            Err(Stop::Gone) => {}
            Err(Stop::Store(e)) => {
                debug!(ch = self.ch(), "a subscription ends: {e}");
                Box::pin(self.end(Refusal::log_failed(&e, self.ch()))).await;
            }
        }
    }

    /// Tries to cross the seam as often as necessary: again when the log has been replaced meanwhile, and when the
    /// store has recovered.
    async fn reach_head(&self, place: &mut Place) -> Result<LiveStream, Stop> {
        #[cfg(feature = "fault-injection")]
        if self.app.config.faults.unsafe_replay_before_subscribe {
            return Box::pin(self.replay_before_subscribing(place)).await;
        }
        loop {
            match self.cross(place).await {
                Ok(Some(stream)) => return Ok(stream),
                Ok(None) => {}
                Err(Stop::Store(e)) if e.is_unavailable() => Box::pin(self.store_recovered()).await,
                Err(e) => return Err(e),
            }
        }
    }

    /// The seam. The feed listens to the live stream *first* and reads the log *after*: what is published before the
    /// read is in the read, what is published after it is in the live stream, and what falls between the two steps is
    /// in both. The client drops what comes twice. The other way round, what falls between the steps is in neither, and
    /// lost.
    ///
    /// Returns the live stream, or nothing if the log has to be read again.
    async fn cross(&self, place: &mut Place) -> Result<Option<LiveStream>, Stop> {
        let stream = self.app.hub.subscribe(self.link.ch.clone());
        let info = self.app.store.follow(self.ch()).await?;
        #[cfg(feature = "fault-injection")]
        if let Place::Requested(_) = place {
            self.delay_in_the_seam().await;
        }
        match place {
            Place::Reached(cursor) if cursor.announced && cursor.is_in(&info) => cursor.head = info.head,
            // Boxed: it happens once, and every feed is smaller for it.
            _ => *place = Place::Reached(Box::pin(self.announce(place, info)).await?),
        }
        let Place::Reached(cursor) = place else { return Ok(None) };
        if !Box::pin(self.replay(cursor)).await? {
            cursor.announced = false;
            return Ok(None);
        }
        Box::pin(self.send_live(cursor.sent.offset)).await?;
        Ok(Some(stream))
    }

    /// Waits until the store may have recovered. Many feeds wait, so they do not all ask at once.
    async fn store_recovered(&self) {
        let mut health = self.app.store.health();
        sleep(Duration::from_millis(crate::random::between(50, 300))).await;
        let recovered = health.wait_for(|health| *health == Health::Ok);
        let _ = timeout(STORE_RETRY_INTERVAL, recovered).await; // after that it is asked anyway
    }
}
