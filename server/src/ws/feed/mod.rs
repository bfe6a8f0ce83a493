//! One subscription: the replay, the seam, and the live stream.

mod authorization;
pub(super) mod credit;
pub(super) mod resume;
mod telemetry;

use std::sync::Arc;
use std::time::Duration;

use seamline::wire::Position;
use serde_json::value::RawValue;
use tokio::time::{sleep, timeout};
use tracing::{debug, error, warn};

use self::credit::Credit;
use self::resume::{Asked, Begin, start};
use crate::log::hub::{Cast, LiveStream, Next};
use crate::log::{After, ChannelInfo, Health, Owner, PageLimit, Resumed, StoreError};
use crate::state::App;
use crate::ws::dialect::frames::ToClient;
use crate::ws::writer::frame_size::FRAME_MESSAGES_MAX;
use crate::ws::writer::{Gone, Outgoing, Slot};

/// When the log fails, the client is told to come back after so long.
const RETRY_AFTER_MS: u64 = 1000;
/// A log that is away is asked again after so long, even if it does not seem to be back.
const LOG_RETRY_INTERVAL: Duration = Duration::from_secs(2);

/// See the module. It runs in a task of its own, so that waiting for credit or for a slow socket
/// holds up nothing else.
pub(super) struct Feed {
    pub app: Arc<App>,
    pub connection: u64,
    pub owner: Arc<Owner>,
    pub ch: String,
    pub begin: Begin,
    pub reference: Option<u64>,
    pub credit: Arc<Credit>,
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
struct Place {
    epoch: String,
    sent: After,
    /// Whether the client knows that it is this log; it does not when the log has been replaced.
    announced: bool,
}

impl Feed {
    pub async fn run(self) {
        if !Box::pin(self.permitted()).await {
            return;
        }
        let Err(Stop::Store(e)) = self.follow().await else { return };
        match e.is_reported() {
            true => debug!(ch = self.ch(), "a subscription ends: {e}"),
            false => error!(ch = self.ch(), "a subscription ends: {e}"),
        }
        self.tell_end("log_error", "the log failed; try again later", Some(RETRY_AFTER_MS)).await;
    }

    pub(super) fn ch(&self) -> &str {
        &self.ch
    }

    /// Crosses the seam as often as it takes: anew when the client was too slow for the live stream,
    /// when the log has been replaced, and when it is back after it was away.
    async fn follow(&self) -> Result<(), Stop> {
        if self.app.config.unsafe_replay_before_subscribe {
            return Box::pin(self.follow_in_the_wrong_order()).await;
        }
        let mut place = None;
        loop {
            match self.cross(&mut place).await {
                Err(Stop::Store(e)) if e.is_unavailable() => Box::pin(self.store_recovered()).await,
                crossed => crossed?,
            }
        }
    }

    /// The seam. We listen to the live stream *first* and read the log *after*: what is published
    /// before the read is in the read, what is published after it is in the live stream, and what
    /// falls between the two steps is in both. The client drops what comes twice. The other way
    /// round, what falls between the steps is in neither, and lost.
    ///
    /// Returns when the way back leads through the log.
    async fn cross(&self, place: &mut Option<Place>) -> Result<(), Stop> {
        let mut live = self.app.hub.subscribe(self.ch());
        self.app.store.follow(self.ch()).await?;
        if place.is_none() {
            self.seam_delay().await;
        }
        if place.as_ref().is_none_or(|place| !place.announced) {
            *place = Some(Box::pin(self.announce(place.as_ref())).await?); // a feed lives on the smaller for it
        }
        let Some(place) = place else { return Ok(()) };
        if !Box::pin(self.replay(place)).await? {
            place.announced = false;
            return Ok(());
        }
        Box::pin(self.say_live(place.sent.offset)).await?;
        self.stream(&mut live, place, true).await
    }

    /// The wrong order; here so that the tests can see themselves fail.
    async fn follow_in_the_wrong_order(&self) -> Result<(), Stop> {
        let mut place = self.announce(None).await?;
        self.replay(&mut place).await?;
        self.seam_delay().await;
        loop {
            let mut live = self.app.hub.subscribe(self.ch());
            self.app.store.follow(self.ch()).await?;
            self.say_live(place.sent.offset).await?;
            self.stream(&mut live, &mut place, false).await?;
        }
    }

    async fn seam_delay(&self) {
        let delay_ms = self.app.config.unsafe_seam_delay_ms;
        if delay_ms > 0 {
            debug!(ch = self.ch(), "waits in the seam"); // the tests look for it
            sleep(Duration::from_millis(delay_ms)).await;
        }
    }

    /// Waits until it is worth while to ask the log again. A little spread, for many wait.
    async fn store_recovered(&self) {
        let mut health = self.app.store.health();
        sleep(Duration::from_millis(crate::random::between(50, 300))).await;
        let well = health.wait_for(|health| *health == Health::Ok);
        let _ = timeout(LOG_RETRY_INTERVAL, well).await; // then it is asked all the same
    }

    /// Decides where to begin, or where to go on in a log that was replaced, and says so.
    async fn announce(&self, replaced: Option<&Place>) -> Result<Place, Stop> {
        let asked = match (replaced, &self.begin) {
            (Some(Place { epoch, sent, .. }), _) => {
                Asked::Position(Position { epoch: epoch.clone(), offset: sent.offset, id: sent.id })
            }
            (None, Begin::After(position)) => Asked::Position(position.clone()),
            (None, Begin::AfterId(id)) => Asked::Position(self.app.store.locate(self.ch(), *id).await?),
            (None, Begin::At(end)) => Asked::End(*end),
            (None, Begin::Stored { otherwise }) => {
                match self.app.store.resume(self.owner.lookup_keys(self.ch()), *otherwise).await? {
                    Resumed::Stored(position) => Asked::Stored(position),
                    Resumed::StartPoint(position) => Asked::StartPoint(position),
                }
            }
        };
        let info = self.app.store.info(self.ch()).await?;
        let start = start(&asked, &info);
        if let Asked::End(_) = asked {
            Box::pin(self.store_start_point(&info, start.at)).await;
        }
        self.note_start(&asked, &start, &info);
        let frame = ToClient::Subd {
            ch: self.ch().into(),
            epoch: info.epoch.clone(),
            first: info.first,
            head: info.head,
            at: start.at,
            at_epoch: start.at_epoch,
            reference: self.reference,
            resumed: start.resumed,
        };
        self.out.bulk(&frame).await?;
        let id = match asked {
            Asked::Position(position) | Asked::Stored(position) if start.resumed => position.id,
            _ => None,
        };
        Ok(Place { epoch: info.epoch, sent: After { offset: start.after, id }, announced: true })
    }

    /// Stores the start point of a page load before anything is sent to it. If the page ends before it has
    /// processed a message, the next page load starts there again. A log that accepts no writes can still be
    /// read, so an error changes nothing.
    async fn store_start_point(&self, log: &ChannelInfo, offset: u64) {
        let Some(own) = self.owner.own_key(self.ch()) else { return };
        let position = Position { epoch: log.epoch.clone(), offset, id: None };
        if let Err(e) = self.app.store.store_positions(vec![(own, position)]).await
            && !e.is_unavailable()
        {
            warn!(ch = self.ch(), "the start point could not be stored: {e}");
        }
    }

    /// Sends pages, as far as the credit goes, until one ends at the head. Returns whether it still is
    /// the log that was announced.
    async fn replay(&self, place: &mut Place) -> Result<bool, Stop> {
        let mut replayed = 0;
        loop {
            let slot = self.out.slot().await?; // first: a page that is read is kept until it is written
            let credit = usize::try_from(self.credit.left()).unwrap_or(usize::MAX);
            let bytes = self.out.frame_bytes_max();
            let limit = PageLimit { messages: credit.min(FRAME_MESSAGES_MAX), bytes };
            let page = self.app.store.read(self.ch(), place.sent, limit).await?;
            let ChannelInfo { epoch, first, head } = page.info;
            if epoch != place.epoch || head < place.sent.offset {
                return Ok(false);
            }
            let read_all = page.messages.is_empty() && limit.messages > 0;
            if let Some(last) = page.messages.last() {
                place.sent = After { offset: last.offset, id: Some(last.id) };
                self.credit.use_up(page.messages.len() as u64);
                replayed += page.messages.len() as u64;
                self.out.messages(slot, self.ch(), page.messages.iter(), true).await?;
            } else {
                drop(slot); // it may be long before there is credit
            }
            // Nothing is left up to the head: it was trimmed or deleted under our hands. The client sees that in `live`.
            if first > head || read_all {
                place.sent = After::from(head);
            }
            if place.sent.offset >= head {
                self.note_replay(replayed);
                return Ok(true);
            }
            self.credit.some().await;
        }
    }

    async fn say_live(&self, head: u64) -> Result<(), Gone> {
        self.out.bulk(&ToClient::Live { ch: self.ch().into(), head, reference: self.reference }).await
    }

    /// Sends what is published, several messages to a frame where they are waiting. What the replay
    /// has sent already is sent again: the client knows better than we what it has seen. Returns when
    /// the live stream has left something out, or ends because the log has been replaced.
    async fn stream(&self, live: &mut LiveStream, place: &mut Place, resync: bool) -> Result<(), Stop> {
        loop {
            live.ready().await;
            let slot = self.out.slot().await?; // until there is one, what waits is the hub's, and bounded there
            let run = match live.take(FRAME_MESSAGES_MAX, self.out.frame_bytes_max()) {
                Next::Messages(run) => run,
                Next::Cast(cast) => {
                    Box::pin(self.pass_on(slot, cast)).await?;
                    continue;
                }
                Next::Missed(missed) => {
                    self.note_resync(missed);
                    return Ok(());
                }
                Next::End => {
                    place.announced = false;
                    return Ok(());
                }
                Next::Nothing => continue,
            };
            let first = run.first().map_or(0, |first| first.offset);
            let missed = first.saturating_sub(place.sent.offset.saturating_add(1));
            if resync && missed > 0 {
                self.note_resync(missed);
                return Ok(());
            }
            self.note_live(&run, place.sent.offset);
            if let Some(last) = run.last().filter(|last| last.offset > place.sent.offset) {
                place.sent = After { offset: last.offset, id: Some(last.id) };
            }
            let run = run.iter().map(|message| &**message);
            Box::pin(self.out.messages(slot, self.ch(), run, false)).await?; // once a frame: a feed mostly waits
        }
    }

    async fn pass_on(&self, slot: Slot, cast: Cast) -> Result<(), Gone> {
        if cast.from == self.connection {
            return Ok(());
        }
        // It was parsed when it came in.
        let Ok(data) = serde_json::from_str::<&RawValue>(&cast.data) else { return Ok(()) };
        self.out.bulk_in(slot, &ToClient::Cast { ch: self.ch().into(), data }).await
    }
}
