//! The live stream: one reader per node, which follows the streams of all channels that someone here
//! listens to, in log order, whichever node the messages come from.
//!
//! It blocks one connection with one `XREAD`. So that a channel that has just been subscribed to need
//! not wait until that returns, the `XREAD` also names a stream of the node's own, the *wake* stream:
//! an entry there is seen whether it comes before the `XREAD` or while that blocks.
//!
//! The reader knows, of each channel, the message that it has read last. That is how it goes on after
//! Redis was away, and how it sees that the log is not the one it knew: another epoch, or an older copy.
//! Then it begins anew from what is there, and the hub tells the listeners to look again.

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use redis::aio::MultiplexedConnection;
use redis::{Cmd, RedisError, RedisResult};
use tracing::{debug, error, info, warn};

use super::link::{self, Link};
use super::pause::Pause;
use super::scripts::{self, Seen, WAKE_TTL_MS};
use super::{entry, keys};
use crate::log::hub::Hub;
use crate::log::{Retention, StoreError};

/// How long one `XREAD` waits.
pub(super) const BLOCK: Duration = Duration::from_secs(2);
/// How many messages of each channel are read at once, at most.
const COUNT_MAX: u64 = 128;
/// New channels are gathered for so long, so that a thousand new ones are not a thousand `XREAD`s.
const GATHER: Duration = Duration::from_millis(5);
/// How often channels without listeners are forgotten.
const PRUNE_INTERVAL: Duration = Duration::from_secs(1);
/// How many channels are looked at in one round trip after a reconnect.
const CHECK_GROUP: usize = 256;
/// While Redis does not let us read, it is tried again after so long, and then less often, up to …
const REFUSED_MIN: Duration = Duration::from_millis(100);
/// … this.
const REFUSED_MAX: Duration = Duration::from_secs(2);

/// See the module.
pub(super) struct Tail {
    link: Arc<Link>,
    hub: Arc<Hub>,
    retention: Retention,
    wake_key: String,
    /// Whether an entry in the wake stream is on its way that the reader has not heeded yet.
    waking: AtomicBool,
    /// How many messages of each channel are read at once. After an answer that took too long they are fewer: on a slow
    /// link, or with large messages, the same answer would take too long again.
    count: AtomicU64,
    /// By the stream's key. A plain mutex: never held across an await.
    channels: Mutex<HashMap<String, Followed>>,
}

struct Followed {
    ch: String,
    seen: Seen,
    /// The last entry that was read: a message, or one that is not ours.
    read_to: String,
    /// Whether entries that are not ours were reported.
    strays_reported: bool,
}

/// A channel whose next entry does not go on from what was seen of it.
struct Break {
    ch: String,
    seen: Seen,
}

/// `epoch, first, head, last`
type State = (String, u64, u64, String);
/// What `XREAD` gives: streams, each with its entries.
type Streams = Vec<(Vec<u8>, Vec<entry::Raw>)>;

impl Tail {
    pub fn new(link: Arc<Link>, hub: Arc<Hub>, retention: Retention, node: &str) -> Self {
        let wake_key = keys::wake(node);
        let (waking, count) = (AtomicBool::new(false), AtomicU64::new(COUNT_MAX));
        Tail { link, hub, retention, wake_key, waking, count, channels: Mutex::default() }
    }

    /// From when this returns, what is put into the channel comes to the hub, as long as the hub has
    /// listeners for it: they must be there before.
    pub async fn follow(&self, ch: &str) -> Result<(), StoreError> {
        let key = keys::log(ch);
        if self.lock().contains_key(&key) {
            return Ok(());
        }
        let state: State = self.link.run(&scripts::state(ch, None, self.retention)).await?;
        // Where someone else was faster, theirs is as good: it is no later than now.
        self.lock().entry(key).or_insert_with(|| Followed::from(ch, seen(state)));
        self.wake().await;
        Ok(())
    }

    /// If this fails, the reader comes round by itself after [`BLOCK`].
    async fn wake(&self) {
        if self.waking.swap(true, Ordering::SeqCst) {
            return;
        }
        let Ok(commands) = self.link.commands() else { return };
        let mut pipe = redis::pipe();
        pipe.cmd("XADD").arg(&self.wake_key).arg("MAXLEN").arg(1).arg("*").arg("w").arg(1);
        pipe.cmd("PEXPIRE").arg(&self.wake_key).arg(WAKE_TTL_MS);
        let _ = self.link.run_all::<redis::Value>(commands, &mut pipe).await;
    }

    /// Compares all channels with what was seen of them, over a new connection. Until this is done
    /// nobody else gets to use it: nothing is put on top of a log that has fallen back. Returns how many channels
    /// were given up because they cannot be read. Fails if none can be read while Redis refuses something.
    pub async fn check(&self, commands: &mut MultiplexedConnection, refuses: bool) -> Result<usize, String> {
        let followed: Vec<(String, String, Seen)> = {
            let channels = self.lock();
            channels.iter().map(|(key, at)| (key.clone(), at.ch.clone(), at.seen.clone())).collect()
        };
        let mut unreadable = Vec::new();
        for group in followed.chunks(CHECK_GROUP) {
            let mut pipe = redis::pipe();
            for (_, ch, seen) in group {
                pipe.add_command(scripts::state(ch, Some(seen), self.retention));
            }
            let states: RedisResult<Vec<RedisResult<State>>> =
                pipe.ignore_errors().query_async(commands).await;
            for ((key, ch, seen), state) in group.iter().zip(states.map_err(|e| e.to_string())?) {
                match state {
                    Ok(state) if state.0 != seen.epoch => self.begin_anew(key, state),
                    Ok(_) => {}
                    Err(e) if link::is_the_connections(&e) => return Err(e.to_string()),
                    Err(e) => unreadable.push((key, ch, e.to_string())),
                }
            }
        }
        match unreadable.last() {
            Some((_, _, why)) if refuses && unreadable.len() == followed.len() => Err(why.clone()),
            _ => {
                unreadable.iter().for_each(|(key, ch, why)| self.give_up(key, ch, why));
                Ok(unreadable.len())
            }
        }
    }

    /// Whether Redis lets us read at all, without waiting for anything.
    pub async fn try_to_read(&self, connection: &mut MultiplexedConnection) -> Result<(), String> {
        let read = self.xread("0-0", 1, None).query_async::<redis::Value>(connection).await;
        read.map(drop).map_err(|e| e.to_string())
    }

    /// Reads until the connection breaks; says why.
    pub async fn read(&self, connection: &mut MultiplexedConnection) -> String {
        let mut woken_at = "0-0".to_owned();
        let mut pruned = Instant::now();
        let mut pause = Pause::new(REFUSED_MIN, REFUSED_MAX);
        loop {
            // In this order: who comes after the list was made finds `waking` false, and wakes.
            self.waking.store(false, Ordering::SeqCst);
            if pruned.elapsed() > PRUNE_INTERVAL {
                self.prune();
                pruned = Instant::now();
            }
            let count = self.count.load(Ordering::Relaxed);
            let xread = self.xread(&woken_at, count, Some(BLOCK));
            let streams: Option<Streams> = match xread.query_async(connection).await {
                Ok(streams) => streams,
                Err(e) if link::is_the_connections(&e) => {
                    if e.is_timeout() {
                        self.count.store((count / 8).max(1), Ordering::Relaxed);
                    }
                    return e.to_string();
                }
                Err(e) => match self.refused(&e, &mut pause).await {
                    Ok(()) => continue,
                    Err(why) => return why,
                },
            };
            pause.reset();
            self.count.store((count * 2).min(COUNT_MAX), Ordering::Relaxed);
            let mut woken = false;
            for (key, entries) in streams.unwrap_or_default() {
                if key == self.wake_key.as_bytes() {
                    woken = true;
                    woken_at = entries.last().map_or(woken_at, entry::id_text);
                } else if let Err(e) = self.deliver(&String::from_utf8_lossy(&key), entries).await {
                    return e.to_string();
                }
            }
            if woken {
                tokio::time::sleep(GATHER).await;
            }
        }
    }

    /// Redis refuses to read. The cause is a channel, which is given up, or a right that is missing: then this waits
    /// before it returns. Fails if it is neither.
    async fn refused(&self, e: &RedisError, pause: &mut Pause) -> Result<(), String> {
        let refuses = !self.link.probe().await;
        let Ok(commands) = self.link.commands() else { return Err(self.link.failure().await) };
        let mut connection = commands.into_connection();
        match self.check(&mut connection, refuses).await? {
            0 if refuses => tokio::time::sleep(pause.grow()).await,
            0 => return Err(e.to_string()),
            _ => {}
        }
        Ok(())
    }

    fn xread(&self, woken_at: &str, count: u64, block: Option<Duration>) -> Cmd {
        let channels = self.lock();
        let mut cmd = redis::cmd("XREAD");
        cmd.arg("COUNT").arg(count);
        if let Some(block) = block {
            cmd.arg("BLOCK").arg(block.as_millis() as u64);
        }
        cmd.arg("STREAMS").arg(&self.wake_key);
        let (keys, ids): (Vec<_>, Vec<_>) = channels.iter().map(|(key, at)| (key, &at.read_to)).unzip();
        cmd.arg(keys).arg(woken_at).arg(ids);
        cmd
    }

    /// Hands entries to the hub. Where one does not follow what was seen, the log is another one, or messages were
    /// deleted from it, or the entry is not ours: the log is asked.
    async fn deliver(&self, key: &str, entries: Vec<entry::Raw>) -> Result<(), StoreError> {
        let mut entries = entries.into();
        let mut head = None;
        while let Some(Break { ch, seen }) = self.hand_over(key, &mut entries, head) {
            let state: Result<State, _> =
                self.link.run(&scripts::state(&ch, Some(&seen), self.retention)).await;
            match state {
                Ok(state) if state.0 == seen.epoch => head = Some(state.2),
                Ok(state) => {
                    self.begin_anew(key, state);
                    return Ok(());
                }
                Err(StoreError::Failed(why)) => {
                    self.give_up(key, &ch, &why);
                    return Ok(());
                }
                Err(e) => return Err(e),
            }
        }
        Ok(())
    }

    /// Stops before an entry that does not follow what was seen. With a head, the log has been asked since these entries
    /// were read, and it is the same log: then an entry beyond its head, or behind what was seen, is none of its messages.
    fn hand_over(&self, key: &str, entries: &mut VecDeque<entry::Raw>, head: Option<u64>) -> Option<Break> {
        let mut channels = self.lock();
        let followed = channels.get_mut(key)?;
        while let Some(raw) = entries.front() {
            let id = entry::id_text(raw);
            let seen = &mut followed.seen;
            let next = seen.offset + 1;
            match entry::parse(raw) {
                Some((epoch, message))
                    if epoch == seen.epoch && (next..=head.unwrap_or(next)).contains(&message.offset) =>
                {
                    (seen.offset, seen.id) = (message.offset, id.clone());
                    followed.read_to = id;
                    self.hub.publish(&followed.ch, message);
                }
                Some(_) if head.is_none() => {
                    return Some(Break { ch: followed.ch.clone(), seen: seen.clone() });
                }
                _ => followed.leave_out(id),
            }
            entries.pop_front();
        }
        None
    }

    /// The log is not the one that was known. First the new place, then the word: whoever hears it
    /// reads the log, and what comes after that place comes live.
    fn begin_anew(&self, key: &str, state: State) {
        let ch = {
            let mut channels = self.lock();
            let Some(followed) = channels.get_mut(key) else { return };
            info!(ch = followed.ch, was = ?followed.seen, now = ?state, "the log is another one");
            let ch = followed.ch.clone();
            *followed = Followed::from(&ch, seen(state));
            ch
        };
        self.hub.reset(&ch);
    }

    /// One channel that Redis cannot read must not stop the others. Its listeners look again, and are
    /// told what is wrong.
    fn give_up(&self, key: &str, ch: &str, why: &str) {
        error!(ch, "the live stream ends: {why}");
        self.lock().remove(key);
        self.hub.reset(ch);
    }

    fn prune(&self) {
        self.lock().retain(|_, followed| self.hub.has_listeners(&followed.ch));
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Followed>> {
        self.channels.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Followed {
    /// From where the channel stood when the log was asked.
    fn from(ch: &str, seen: Seen) -> Self {
        Followed { ch: ch.to_owned(), read_to: seen.id.clone(), seen, strays_reported: false }
    }

    /// An entry that is not ours. Whoever puts one there may put many there: it is reported once.
    fn leave_out(&mut self, id: String) {
        match self.strays_reported {
            true => debug!(ch = self.ch, id, "another entry that is not ours is left out"),
            false => warn!(ch = self.ch, id, "an entry that is not ours is left out"),
        }
        self.strays_reported = true;
        self.read_to = id;
    }
}

fn seen((epoch, _, offset, id): State) -> Seen {
    Seen { epoch, offset, id }
}
