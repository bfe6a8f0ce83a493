//! Holds the messages of a busy channel for a moment, so that several share a frame: a page pays for each frame much
//! more than for each message in it. A channel that is not busy never waits.

use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use tokio::sync::mpsc;
use tokio::time::sleep_until;

use super::channel::Channel;

/// A channel is busy from this many messages in a window on: 1,500 a second.
const BUSY_MESSAGES: u32 = 24;
const WINDOW: Duration = Duration::from_millis(16);
/// How long after a frame the next one of a busy channel goes.
const HOLD: Duration = Duration::from_millis(4);

/// How busy a channel is, and when its last message was passed on.
pub(super) struct Pace {
    window: Instant,
    /// Messages in the window, and whether there were many in the one before.
    messages: u32,
    busy: bool,
    last: Instant,
    held: bool,
}

/// What to do with the message that was just pushed.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Step {
    Release,
    /// Release it then.
    HoldUntil(Instant),
    /// An earlier message is held already, and this one goes with it.
    Held,
}

impl Pace {
    pub fn new(now: Instant) -> Self {
        Pace { window: now, messages: 0, busy: false, last: now, held: false }
    }

    /// A message was pushed.
    pub fn pushed(&mut self, now: Instant) -> Step {
        let age = now.saturating_duration_since(self.window);
        if age >= WINDOW {
            self.busy = self.messages >= BUSY_MESSAGES && age < 2 * WINDOW;
            (self.window, self.messages) = (now, 0);
        }
        self.messages += 1;
        let due = self.last + HOLD;
        if self.held {
            Step::Held
        } else if now < due && (self.busy || self.messages >= BUSY_MESSAGES) {
            self.held = true;
            Step::HoldUntil(due)
        } else {
            self.last = now;
            Step::Release
        }
    }

    /// What was held goes now.
    pub fn released(&mut self, now: Instant) {
        self.held = false;
        self.last = now;
    }
}

/// Releases what is held, with one timer for all channels. Until it runs, nothing is held.
#[derive(Default)]
pub(super) struct Pacer(OnceLock<mpsc::UnboundedSender<(Instant, Arc<Channel>)>>);

impl Pacer {
    /// Releases what the channel holds, then. A channel is in the queue once at most.
    pub fn release_at(&self, due: Instant, channel: Arc<Channel>) {
        match self.0.get() {
            Some(queue) if queue.send((due, channel.clone())).is_ok() => {}
            _ => channel.release_held(),
        }
    }

    /// Runs for as long as the hub. A channel may wait for the one before it, but no message waits for more than
    /// [`HOLD`]: whatever was queued before it is due by then.
    pub async fn run(&self) {
        let (sender, mut queue) = mpsc::unbounded_channel::<(Instant, Arc<Channel>)>();
        if self.0.set(sender).is_err() {
            return; // it runs already
        }
        while let Some((due, channel)) = queue.recv().await {
            sleep_until(due.into()).await;
            channel.release_held();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use seamline::wire::MessageId;

    use super::super::{Hub, Inbox, Next};
    use super::*;
    use crate::log::Message;

    const MS: Duration = Duration::from_millis(1);

    /// What happens to messages that come at this interval: how many are released at once, and the longest hold.
    fn paced(every: Duration, count: u32) -> (u32, Duration) {
        let begin = Instant::now();
        let mut pace = Pace::new(begin);
        let (mut released, mut held, mut longest) = (0, None, Duration::ZERO);
        for i in 1..=count {
            let now = begin + every * i;
            if held.is_some_and(|due| due <= now) {
                pace.released(held.take().unwrap());
            }
            match pace.pushed(now) {
                Step::Release => released += 1,
                Step::HoldUntil(due) => {
                    longest = longest.max(due - now);
                    held = Some(due);
                }
                Step::Held => assert!(held.is_some()),
            }
        }
        (released, longest)
    }

    #[test]
    fn a_quiet_channel_never_waits() {
        for every in [MS, 5 * MS, 100 * MS] {
            assert_eq!(paced(every, 1000), (1000, Duration::ZERO), "{every:?}");
        }
    }

    #[test]
    fn a_busy_channel_is_held_for_a_moment() {
        let (released, longest) = paced(MS / 10, 10_000); // a second
        assert!(released < 200, "{released}");
        assert!(longest > Duration::ZERO && longest <= HOLD, "{longest:?}");
    }

    #[test]
    fn a_channel_that_becomes_quiet_waits_no_more() {
        let begin = Instant::now();
        let mut pace = Pace::new(begin);
        let steps: Vec<_> = (0..100).map(|_| pace.pushed(begin)).collect();
        assert!(matches!(steps[BUSY_MESSAGES as usize - 1], Step::HoldUntil(due) if due == begin + HOLD));
        assert_eq!(steps[99], Step::Held);
        pace.released(begin + HOLD);
        let later = begin + HOLD + 2 * WINDOW;
        assert_eq!(pace.pushed(later), Step::Release);
        assert_eq!(pace.pushed(later), Step::Release);
    }

    #[tokio::test]
    async fn a_held_message_is_passed_on_a_moment_later() {
        let hub = Arc::new(Hub::new(usize::MAX));
        let pacing = tokio::spawn({
            let hub = hub.clone();
            async move { hub.pace().await }
        });
        tokio::task::yield_now().await; // it runs
        let inbox = Arc::new(Inbox::default());
        let mut stream = hub.subscribe("c");
        stream.notify(inbox.clone(), 7);
        let mut offset = 0;
        loop {
            assert!(offset < 100_000, "nothing is held");
            offset += 1;
            hub.publish("c", Message { offset, id: MessageId { ms: 1, seq: offset }, data: "1".into() });
            if inbox.take().is_none() {
                break; // it is held
            }
            assert!(matches!(stream.take(1, 1), Next::Messages(_)));
        }
        assert!(offset >= u64::from(BUSY_MESSAGES), "{offset}");
        hub.publish("c", Message { offset: offset + 1, id: MessageId { ms: 2, seq: 0 }, data: "1".into() });
        poll_fn(|cx| inbox.poll_ready(cx)).await;
        assert_eq!(inbox.take(), Some(7));
        assert!(matches!(stream.take(9, 9), Next::Messages(run) if run.messages().len() == 2));
        pacing.abort();
    }
}
