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
use super::writer::{Gone, Outgoing};
use crate::log::hub::LiveStream;
use crate::log::{After, Health, Owner, StoreError};
use crate::refusal::Refusal;
use crate::state::App;

/// A store that is unavailable is asked again after this time, even if it does not seem to have recovered.
const STORE_RETRY_INTERVAL: Duration = Duration::from_secs(2);

/// See the module. It replays in a task of its own, so that waiting for credit or for a slow socket holds up nothing
/// else.
pub(super) struct Feed {
    pub app: Arc<App>,
    pub connection: u64,
    pub owner: Arc<Owner>,
    pub ch: Arc<str>,
    pub start: RequestedStart,
    pub reference: Option<u64>,
    pub link: Arc<Link>,
    pub out: Outgoing,
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

/// How far a subscription has come.
struct Cursor {
    epoch: String,
    sent: After,
    /// The log had messages up to this one when the feed was listening to the live stream already; 0 if not known.
    head: u64,
    /// Whether the client knows that it is this log. It does not after the log has been replaced.
    announced: bool,
}

impl Feed {
    pub async fn run(self: Box<Self>) {
        if Box::pin(self.authorized()).await {
            self.follow(None).await;
        }
    }

    /// Goes on after a time in which it was live.
    async fn run_again(self: Box<Self>, cursor: Cursor) {
        self.follow(Some(cursor)).await;
    }

    fn ch(&self) -> &str {
        &self.ch
    }

    fn credit(&self) -> &Credit {
        &self.link.credit
    }

    /// Crosses the seam, and becomes a live feed.
    async fn follow(self: Box<Self>, mut cursor: Option<Cursor>) {
        match self.reach_head(&mut cursor).await {
            Ok(stream) => {
                let Some(cursor) = cursor else { return };
                let out = self.out.clone();
                out.live(Box::new(LiveFeed { feed: self, stream, cursor })).await;
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
    async fn reach_head(&self, cursor: &mut Option<Cursor>) -> Result<LiveStream, Stop> {
        #[cfg(feature = "fault-injection")]
        if self.app.config.faults.unsafe_replay_before_subscribe {
            return Box::pin(self.replay_before_subscribing(cursor)).await;
        }
        loop {
            match self.cross(cursor).await {
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
    async fn cross(&self, cursor: &mut Option<Cursor>) -> Result<Option<LiveStream>, Stop> {
        let stream = self.app.hub.subscribe(self.ch());
        self.app.store.follow(self.ch()).await?;
        #[cfg(feature = "fault-injection")]
        if cursor.is_none() {
            self.delay_in_the_seam().await;
        }
        if let Some(cursor) = cursor.as_mut().filter(|cursor| cursor.announced) {
            cursor.head = 0; // what was known is from before
        } else {
            // Boxed: it happens once, and every feed is smaller for it.
            *cursor = Some(Box::pin(self.announce(cursor.as_ref())).await?);
        }
        let Some(cursor) = cursor else { return Ok(None) };
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
