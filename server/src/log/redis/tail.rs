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

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use redis::Cmd;
use redis::aio::MultiplexedConnection;
use tracing::{error, info, warn};

use super::link::{self, Link};
use super::scripts::{self, Seen};
use super::{entry, keys};
use crate::hub::Hub;
use crate::log::{LogError, Retention};

/// How long one `XREAD` waits.
pub(super) const BLOCK: Duration = Duration::from_secs(2);
/// How many messages of each channel are read at once.
const COUNT: u64 = 128;
/// New channels are gathered for so long, so that a thousand new ones are not a thousand `XREAD`s.
const GATHER: Duration = Duration::from_millis(5);
/// How often channels without listeners are forgotten.
const PRUNE_INTERVAL: Duration = Duration::from_secs(1);
/// How many channels are looked at in one round trip after a reconnect.
const CHECK_GROUP: usize = 256;
/// The wake stream of a node that is gone disappears.
const WAKE_TTL_MS: u64 = 3_600_000;

/// See the module.
pub(super) struct Tail {
    link: Arc<Link>,
    hub: Arc<Hub>,
    retention: Retention,
    wake_key: String,
    /// Whether an entry in the wake stream is on its way that the reader has not heeded yet.
    waking: AtomicBool,
    /// By the stream's key. A plain mutex: never held across an await.
    channels: Mutex<HashMap<String, Followed>>,
}

struct Followed {
    ch: String,
    seen: Seen,
}

/// `epoch, first, head, last`
type State = (String, u64, u64, String);
/// What `XREAD` gives: streams, each with its entries.
type Streams = Vec<(String, Vec<entry::Raw>)>;

impl Tail {
    pub fn new(link: Arc<Link>, hub: Arc<Hub>, retention: Retention) -> Self {
        let wake_key = keys::wake(&crate::random::name());
        let (waking, channels) = (AtomicBool::new(false), Mutex::default());
        Tail { link, hub, retention, wake_key, waking, channels }
    }

    /// From when this returns, what is put into the channel comes to the hub, as long as the hub has
    /// listeners for it: they must be there before.
    pub async fn follow(&self, ch: &str) -> Result<(), LogError> {
        let key = keys::log(ch);
        if self.lock().contains_key(&key) {
            return Ok(());
        }
        let state: State = self.link.run(&scripts::state(ch, None, self.retention)).await?;
        // Where someone else was faster, theirs is as good: it is no later than now.
        self.lock().entry(key).or_insert_with(|| Followed { ch: ch.to_owned(), seen: seen(state) });
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
    /// nobody else gets to use it: nothing is put on top of a log that has fallen back.
    pub async fn check(&self, commands: &mut MultiplexedConnection) -> redis::RedisResult<()> {
        let followed: Vec<(String, String, Seen)> = {
            let channels = self.lock();
            channels.iter().map(|(key, at)| (key.clone(), at.ch.clone(), at.seen.clone())).collect()
        };
        for group in followed.chunks(CHECK_GROUP) {
            let mut pipe = redis::pipe();
            for (_, ch, seen) in group {
                pipe.add_command(scripts::state(ch, Some(seen), self.retention));
            }
            let states: Vec<redis::RedisResult<State>> = pipe.ignore_errors().query_async(commands).await?;
            for ((key, ch, seen), state) in group.iter().zip(states) {
                match state {
                    Ok(state) if state.0 != seen.epoch => self.begin_anew(key, state),
                    Ok(_) => {}
                    Err(e) if link::is_the_connections(&e) => return Err(e),
                    Err(e) => self.give_up(key, ch, &e),
                }
            }
        }
        Ok(())
    }

    /// Reads until the connection breaks; says why.
    pub async fn read(&self, connection: &mut MultiplexedConnection) -> String {
        let mut woken_at = "0-0".to_owned();
        let mut pruned = Instant::now();
        loop {
            // In this order: who comes after the list was made finds `waking` false, and wakes.
            self.waking.store(false, Ordering::SeqCst);
            if pruned.elapsed() > PRUNE_INTERVAL {
                self.prune();
                pruned = Instant::now();
            }
            let streams: Option<Streams> = match self.xread(&woken_at).query_async(connection).await {
                Ok(streams) => streams,
                Err(e) => return e.to_string(),
            };
            let mut woken = false;
            for (key, entries) in streams.unwrap_or_default() {
                if key == self.wake_key {
                    woken = true;
                    woken_at = entries.into_iter().next_back().map_or(woken_at, |(id, _)| id);
                } else if let Err(e) = self.deliver(&key, entries).await {
                    return e.to_string();
                }
            }
            if woken {
                tokio::time::sleep(GATHER).await;
            }
        }
    }

    fn xread(&self, woken_at: &str) -> Cmd {
        let channels = self.lock();
        let mut cmd = redis::cmd("XREAD");
        cmd.arg("COUNT").arg(COUNT).arg("BLOCK").arg(BLOCK.as_millis() as u64).arg("STREAMS");
        cmd.arg(&self.wake_key);
        let (keys, ids): (Vec<_>, Vec<_>) = channels.iter().map(|(key, at)| (key, &at.seen.id)).unzip();
        cmd.arg(keys).arg(woken_at).arg(ids);
        cmd
    }

    async fn deliver(&self, key: &str, entries: Vec<entry::Raw>) -> Result<(), LogError> {
        if let Some((ch, seen)) = self.hand_over(key, entries) {
            let state = self.link.run(&scripts::state(&ch, Some(&seen), self.retention)).await?;
            self.begin_anew(key, state);
        }
        Ok(())
    }

    /// Hands entries to the hub. Stops where one does not go on from what was seen, and returns that.
    fn hand_over(&self, key: &str, entries: Vec<entry::Raw>) -> Option<(String, Seen)> {
        let mut channels = self.lock();
        let Followed { ch, seen } = channels.get_mut(key)?;
        for raw in entries {
            let id = raw.0.clone();
            let Some((epoch, message)) = entry::parse(raw) else {
                warn!(ch, id, "an entry that is not ours is left out");
                seen.id = id;
                continue;
            };
            if epoch != seen.epoch || message.offset <= seen.offset {
                return Some((ch.clone(), seen.clone()));
            }
            (seen.offset, seen.id) = (message.offset, id);
            self.hub.publish(ch, message);
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
            followed.seen = seen(state);
            followed.ch.clone()
        };
        self.hub.reset(&ch);
    }

    /// One channel that Redis cannot read must not stop the others. Its listeners look again, and are
    /// told what is wrong.
    fn give_up(&self, key: &str, ch: &str, e: &redis::RedisError) {
        error!(ch, "the live stream ends: {e}");
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

fn seen((epoch, _, offset, id): State) -> Seen {
    Seen { epoch, offset, id }
}
