//! The one channel of a plain connection: who may have it, and where it begins.

use super::*;

impl<M: Clone> Plain<M> {
    pub(super) fn subscribe(
        &mut self,
        session: &mut Session<M, M>,
        now: Instant,
        ch: String,
        position: Option<Position>,
        from: Option<StartAt>,
    ) {
        if self.name.as_ref().is_some_and(|name| *name != ch && session.channel_id(name).is_some()) {
            let message = "this server has one channel per connection: connect once more for another one";
            return self.refuse(ch, "one_channel", message);
        }
        if position.is_none() && from == Some(StartAt::Tail) {
            let message = "this server cannot be asked for its tail: leave out `from`, and pass over \
                           messages that are `replayed`";
            return self.refuse(ch, "not_supported", message);
        }
        let anew = self.adopt(session.channel_id(&ch), position.as_ref());
        self.name = Some(ch);
        let resume = self.resume();
        let Some(connection) = &mut self.connection else { return };
        if connection.touched || anew && !connection.replays_after(resume) {
            // What was sent meanwhile, or has been let go of, comes only with another replay.
            return session.reconnect(now, connection.socket, "only a new connection brings a replay");
        }
        connection.touched = true;
        connection.subscribed = true;
        connection.quiet_at = Some(now.after_ms(self.config.settle_ms));
        if self.numbering != Numbering::Unknown {
            self.attach(session, now, self.offset);
        }
    }

    /// Tells a channel, once, why it cannot be had.
    fn refuse(&mut self, ch: String, code: &str, message: &str) {
        if !self.refused.contains(&ch) {
            self.refused.push(ch.clone());
            let (code, message) = (code.to_owned(), message.to_owned());
            self.answers.push(ServerFrame::Err {
                code,
                message,
                ch: Some(ch),
                reference: None,
                retry_after_ms: None,
            });
        }
    }

    /// Either the channel is closed, or its application cannot keep up. What comes now is not its.
    pub(super) fn unsubscribe(&mut self, session: &Session<M, M>, ch: &str) {
        self.refused.retain(|refused| refused != ch);
        if self.name.as_deref() != Some(ch) {
            return;
        }
        if session.channel_id(ch).is_none() {
            self.name = None;
        }
        self.order.let_go();
        if let Some(connection) = &mut self.connection {
            connection.subscribed = false;
            connection.hole_at = None;
        }
    }

    /// Goes on from what is known if this is where that ends; else begins anew there, and says so.
    pub(super) fn adopt(&mut self, channel: Option<ChannelId>, position: Option<&Position>) -> bool {
        // Of another channel, the same offset may be another place: where messages are not numbered, we count them.
        let same = std::mem::replace(&mut self.adopted, channel) == channel;
        let known = match (self.numbering.epoch(), position) {
            (None, position) => self.start.as_ref() == position,
            (Some(epoch), Some(position)) => {
                same && position.epoch == epoch && position.offset == self.offset
            }
            (Some(_), None) => false,
        };
        if known {
            return false;
        }
        let id = position.and_then(|position| position.id);
        let window_max = self.config.window_max();
        self.start = position.cloned();
        self.numbering = Numbering::Unknown;
        self.offset = 0;
        self.window = Window::new(id, window_max);
        self.recent = Recent::new(window_max);
        self.settle = Settle::new(id, self.config.settle_ms);
        self.order = Order::new(window_max);
        self.last_id = None;
        true
    }
}
