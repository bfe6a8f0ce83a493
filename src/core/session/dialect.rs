//! What a translator between another wire and a session needs of the session, beyond what happens
//! on any wire: see [`plain`](crate::plain).

use super::*;

impl<B, D: Clone> Session<B, D> {
    /// Who connects.
    pub(crate) fn client_id(&self) -> &str {
        &self.config.client_id
    }

    /// The page loads that it continues, if the driver knows them.
    pub(crate) fn lineage(&self) -> Option<&str> {
        self.config.lineage.as_deref()
    }

    /// What it connects with.
    pub(crate) fn token(&self) -> Option<&str> {
        self.known_token()
    }

    /// The silence after which the application wants to be suspicious; 0 where it has not said.
    pub(crate) fn heartbeat_ms(&self) -> u64 {
        self.config.heartbeat_ms
    }

    /// A channel that is subscribed to.
    pub(crate) fn channel_id(&self, name: &str) -> Option<ChannelId> {
        self.channels.iter().find(|channel| channel.name == name).map(|channel| channel.id)
    }

    /// The channel of this name, or else the first one, and where it begins.
    pub(crate) fn channel_or_first(&self, name: Option<&str>) -> Option<(ChannelId, Option<&Position>)> {
        let named = self.channels.iter().find(|channel| name == Some(channel.name.as_str()));
        named.or(self.channels.first()).map(|channel| (channel.id, channel.position()))
    }

    /// Tells the application something that is known only outside.
    pub(crate) fn announce(&mut self, event: Event<B, D>) {
        self.emit(event);
    }

    /// The next attempt fetches its token afresh: the server may have refused the last one, but where
    /// it does so before the upgrade, a page is not told.
    pub(crate) fn doubt_token(&mut self) {
        self.forget_token();
        self.refusals = 1;
    }

    /// Gives up a connection for one that replays.
    pub(crate) fn reconnect(&mut self, now: Instant, socket: SocketId, message: &str) {
        self.advance(now);
        if self.socket() == Some(socket) {
            self.disconnect(close::NORMAL);
            self.lost(ReasonCode::ConnectionLost, message.to_owned(), None);
        }
    }
}
