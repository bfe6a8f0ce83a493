//! A channel's live stream as one listener sees it.

use std::sync::{Arc, MutexGuard};

use super::backlog::Found;
use super::channel::{Channel, State, Watcher};
use super::inbox::Inbox;
use super::run::Run;
use super::{Cast, Hub};
use crate::log::Message;
use crate::trace;

/// What a listener gets next.
pub enum Next {
    /// Messages.
    Messages(Arc<Run>),
    /// An ephemeral event.
    Cast(Cast),
    /// This many messages were dropped because the listener was slow.
    Missed(u64),
    /// The stream ends: the log has been replaced.
    End,
    /// Nothing is buffered.
    Nothing,
}

/// See the module.
pub struct LiveStream {
    hub: Arc<Hub>,
    channel: Arc<Channel>,
    /// The cursors into the two backlogs.
    message: u64,
    cast: u64,
    /// Whether an ephemeral event comes next if both are buffered, so that neither starves.
    cast_first: bool,
    /// Its number among the channel's watchers.
    watcher: Option<usize>,
}

impl LiveStream {
    pub(super) fn new(hub: Arc<Hub>, channel: Arc<Channel>) -> Self {
        let mut state = channel.lock();
        state.listeners += 1;
        let (message, cast) = (state.messages.end(), state.casts_end());
        drop(state);
        LiveStream { hub, channel, message, cast, cast_first: false, watcher: None }
    }

    /// Has the key put into the inbox whenever there is something to take, now and later.
    pub fn notify(&mut self, inbox: Arc<Inbox>, key: usize) {
        let mut state = self.channel.lock();
        let notified = self.has_more(&state);
        if notified {
            inbox.send(key);
        }
        self.watcher = Some(state.watchers.insert(Watcher { inbox, key, notified }));
    }

    /// Takes what is buffered: up to this many messages and bytes of payload, but at least one message. If there is
    /// more, the key is put into the inbox again, behind those of other streams.
    pub fn take(&mut self, messages_max: usize, bytes_max: usize) -> Next {
        let channel = self.channel.clone();
        let mut state = channel.lock();
        let next = self.next(&mut state, messages_max, bytes_max);
        let more = self.has_more(&state);
        if let Some(watcher) = self.watcher.and_then(|number| state.watchers.get_mut(number)) {
            watcher.notified = more;
            if more {
                watcher.inbox.send(watcher.key);
            }
        }
        next
    }

    fn has_more(&self, state: &MutexGuard<'_, State>) -> bool {
        state.messages.has(self.message) || state.has_cast(self.cast) || state.ended
    }

    fn next(&mut self, state: &mut State, messages_max: usize, bytes_max: usize) -> Next {
        self.cast_first = !self.cast_first;
        if (self.cast_first || !state.messages.has(self.message))
            && let Some(cast) = state.take_cast(&mut self.cast)
        {
            return Next::Cast(cast);
        }
        let first = self.message;
        let run = match state.shared_run(first, messages_max, bytes_max) {
            Some(run) => {
                state.messages.skip(&mut self.message, run.messages().len());
                run
            }
            None => match self.own_run(state, messages_max, bytes_max) {
                Ok(run) => run,
                Err(instead) => return instead,
            },
        };
        state.share(first, &run);
        Next::Messages(run)
    }

    fn own_run(
        &mut self,
        state: &mut State,
        messages_max: usize,
        bytes_max: usize,
    ) -> Result<Arc<Run>, Next> {
        let (first, trace) = match state.messages.take(&mut self.message, |_| true) {
            Found::Item(message) => message,
            Found::Missed(missed) => return Err(Next::Missed(missed)),
            Found::Nothing if state.ended => return Err(Next::End),
            Found::Nothing => return Err(Next::Nothing),
        };
        let mut bytes = first.data.len();
        let mut next_offset = first.offset.saturating_add(1);
        let mut run = vec![first];
        let mut batch = trace::Batch::default();
        batch.add(trace);
        while run.len() < messages_max {
            let fits = |(message, _): &(Arc<Message>, _)| {
                message.offset == next_offset && bytes + message.data.len() <= bytes_max
            };
            let Found::Item((message, trace)) = state.messages.take(&mut self.message, fits) else { break };
            batch.add(trace);
            bytes += message.data.len();
            next_offset = next_offset.saturating_add(1);
            run.push(message);
        }
        let delivery = batch.delivery(&self.channel.name, &run);
        Ok(Arc::new(Run::new(run, delivery)))
    }
}

impl State {
    /// The shared run, if it begins at this cursor and the listener should take it.
    fn shared_run(&self, cursor: u64, messages_max: usize, bytes_max: usize) -> Option<Arc<Run>> {
        let (first, run) = self.shared.as_ref()?;
        let waiting = usize::try_from(self.messages.end() - cursor).unwrap_or(usize::MAX);
        (*first == cursor && run.suits(waiting, messages_max, bytes_max)).then(|| run.clone())
    }

    /// Keeps a run for those that have not taken it.
    fn share(&mut self, first: u64, run: &Arc<Run>) {
        self.shared = Some((first, run.clone()));
        self.forget_taken();
    }

    /// Drops the shared run when it is no longer in the backlog: nobody can take it.
    fn forget_taken(&mut self) {
        if self.shared.as_ref().is_some_and(|(first, _)| *first < self.messages.first()) {
            self.shared = None;
        }
    }
}

/// Removes the channel with its last listener.
impl Drop for LiveStream {
    fn drop(&mut self) {
        let mut channels = self.hub.lock();
        let mut state = self.channel.lock();
        if let Some(number) = self.watcher {
            state.watchers.try_remove(number);
        }
        state.leave(self.message, self.cast);
        state.forget_taken();
        // After a reset, another channel may have the same name.
        let current =
            channels.get(&*self.channel.name).is_some_and(|named| Arc::ptr_eq(&named.0, &self.channel));
        if state.listeners == 0 && current {
            channels.remove(&*self.channel.name);
        }
    }
}

#[cfg(test)]
mod tests {
    use seamline::wire::MessageId;

    use super::*;

    fn hub() -> Arc<Hub> {
        Arc::new(Hub::new(usize::MAX))
    }

    fn publish(hub: &Hub, offsets: std::ops::RangeInclusive<u64>) {
        for offset in offsets {
            hub.publish("c", Message { offset, id: MessageId { ms: offset, seq: 0 }, data: "\"x\"".into() });
        }
    }

    fn run(stream: &mut LiveStream, messages_max: usize) -> Arc<Run> {
        match stream.take(messages_max, usize::MAX) {
            Next::Messages(run) => run,
            _ => panic!("no messages"),
        }
    }

    fn offsets(run: &Run) -> Vec<u64> {
        run.messages().iter().map(|message| message.offset).collect()
    }

    #[test]
    fn listeners_at_the_same_cursor_share_a_run() {
        let hub = hub();
        let mut streams: Vec<_> = (0..3).map(|_| hub.subscribe("c")).collect();
        publish(&hub, 1..=4);
        let runs: Vec<_> = streams.iter_mut().map(|stream| run(stream, 10)).collect();
        assert_eq!(offsets(&runs[0]), [1, 2, 3, 4]);
        assert!(runs.iter().all(|run| Arc::ptr_eq(run, &runs[0])));
        let mut written = 0;
        for run in &runs {
            run.frames(0, || {
                written += 1;
                vec!["text".into()]
            });
        }
        assert_eq!(written, 1);
        assert_eq!(hub.waiting_bytes(), 0);
        assert!(streams[0].channel.lock().shared.is_none(), "every listener has it");
    }

    #[test]
    fn a_slow_listener_takes_a_longer_run_of_its_own() {
        let hub = hub();
        let (mut fast, mut slow) = (hub.subscribe("c"), hub.subscribe("c"));
        publish(&hub, 1..=1);
        assert_eq!(offsets(&run(&mut fast, 500)), [1]);
        publish(&hub, 2..=9);
        assert_eq!(offsets(&run(&mut slow, 500)), [1, 2, 3, 4, 5, 6, 7, 8, 9]);
        assert_eq!(offsets(&run(&mut fast, 500)), [2, 3, 4, 5, 6, 7, 8, 9]);
        assert!(matches!(fast.take(500, usize::MAX), Next::Nothing));
    }

    #[test]
    fn a_listener_is_notified_once_until_it_has_taken_all() {
        let hub = hub();
        let inbox = Arc::new(Inbox::default());
        let mut stream = hub.subscribe("c");
        publish(&hub, 1..=2);
        stream.notify(inbox.clone(), 7);
        publish(&hub, 3..=4);
        assert_eq!((inbox.take(), inbox.take()), (Some(7), None));
        assert_eq!(offsets(&run(&mut stream, 3)), [1, 2, 3]);
        assert_eq!((inbox.take(), inbox.take()), (Some(7), None));
        assert_eq!(offsets(&run(&mut stream, 3)), [4]);
        assert_eq!(inbox.take(), None);
        publish(&hub, 5..=5);
        assert_eq!(inbox.take(), Some(7));
        hub.reset("c");
        assert_eq!(offsets(&run(&mut stream, 3)), [5]);
        assert_eq!(inbox.take(), Some(7));
        assert!(matches!(stream.take(3, usize::MAX), Next::End));
    }

    #[test]
    fn a_listener_that_falls_behind_learns_what_it_missed() {
        let hub = hub();
        let mut stream = hub.subscribe("c");
        publish(&hub, 1..=600);
        assert!(matches!(stream.take(500, usize::MAX), Next::Missed(88)));
    }

    #[test]
    fn a_channel_without_listeners_is_forgotten() {
        let hub = hub();
        let (first, mut second) = (hub.subscribe("c"), hub.subscribe("c"));
        second.notify(Arc::default(), 0);
        publish(&hub, 1..=1);
        drop(first);
        assert!(hub.has_listeners("c") && hub.waiting_bytes() > 0);
        drop(second);
        assert!(!hub.has_listeners("c") && hub.waiting_bytes() == 0);
        publish(&hub, 2..=2);
        assert_eq!(hub.waiting_bytes(), 0);
    }

    /// Every channel that is followed costs this much, and its name.
    #[test]
    fn a_channel_is_small() {
        let bytes = size_of::<Channel>() + size_of::<LiveStream>() + size_of::<Watcher>();
        assert!(bytes < 300, "{bytes}");
    }
}
