//! The client: [`Client`], and [`Channel`], a stream of the messages and events of a channel.

mod builder;
mod channel;
mod dialect;
mod driver;
mod effect;
mod engine;
mod error;
mod frames;
mod handle;
mod item;
mod json;
mod left;
mod object;
mod payload;
#[cfg(feature = "plain")]
mod plain;
#[cfg(feature = "plain")]
mod plain_options;
pub(crate) mod platform;
#[cfg(test)]
mod random;
mod shared;
mod start;
mod status;
mod subscription;
mod token;

use std::fmt;

use futures_channel::oneshot;
use serde::Serialize;

use crate::core::{self, State, Stats};
use crate::wire::code;
use driver::Driver;
use effect::Answer;
use payload::Data;
use platform::{Lifecycle, PageEvent, PageLoads, random};

pub use builder::ClientBuilder;
pub use channel::Channel;
pub use error::{Error, ErrorKind};
pub use item::{Cast, Item, Message, Published};
#[cfg(feature = "plain")]
pub use plain_options::PlainOptions;
pub(crate) use shared::Shared;
pub use shared::{MaybeSend, MaybeSync};
pub use start::StartFrom;
pub use status::{Diagnostic, DiagnosticKind, States};
pub use token::TokenRequest;

/// A connection to a server, which reconnects until it is closed. Clones are the same client. It is closed when the last
/// clone and the last channel are dropped.
#[derive(Clone)]
pub struct Client(Shared<Inner>);

struct Inner {
    driver: Driver,
    lineage: Option<Shared<dyn PageLoads>>,
    _lifecycle: Lifecycle,
}

impl Client {
    /// Begins with the settings of a client of the server at this `ws:` or `wss:` URL. See [`ClientBuilder`].
    pub fn builder(url: impl AsRef<str>) -> ClientBuilder {
        ClientBuilder::new(url.as_ref())
    }

    fn connect(builder: ClientBuilder) -> Result<Client, Error> {
        let ClientBuilder { url, mut config, dialect, token, settings, page_loads, .. } = builder;
        if config.client_id.is_empty() {
            config.client_id = random_name();
        }
        let lineage = page_loads.and_then(|page_loads| page_loads(&config.client_id));
        config.lineage = lineage.as_ref().and_then(|lineage| lineage.names());
        let driver = Driver::new(url, config, dialect, token, &settings)?;
        let (hidden, woken, begun) = (lineage.clone(), driver.downgrade(), driver.downgrade());
        let lifecycle = Lifecycle::watch(driver.runtime(), move |event| {
            // Again, because a page that was restored from the back/forward cache is not the newest name there.
            if let (Some(lineage), PageEvent::Hide | PageEvent::Suspend) = (&hidden, &event)
                && !lineage.ended()
            {
                lineage.names();
            }
            if let Some(driver) = woken.upgrade() {
                driver.page_event(&event);
            }
        });
        // Not at once: in the plain dialect, the URL contains the start points of the channels that are opened in the
        // same turn.
        driver.runtime().spawn(async move {
            if let Some(driver) = begun.upgrade() {
                driver.with(|engine, now| engine.session.connect(now));
            }
        });
        Ok(Client(Shared::new(Inner { driver, lineage, _lifecycle: lifecycle })))
    }

    /// The state of the connection.
    pub fn state(&self) -> State {
        self.driver().read(|engine| engine.status.state().clone())
    }

    /// The states: the present one, and each that follows. If nobody polls the stream, it keeps the last 200.
    pub fn states(&self) -> States {
        self.driver().read(|engine| engine.status.states())
    }

    /// The counters so far.
    pub fn stats(&self) -> Stats {
        self.driver().read(|engine| engine.session.stats())
    }

    /// The recent history of the connection and the page, oldest first: the last 200 states with their reasons, and
    /// events. It can be serialized and contains no messages. Attach it to a bug report.
    pub fn diagnostics(&self) -> Vec<Diagnostic> {
        self.driver().read(|engine| engine.status.diagnostics())
    }

    /// Opens a handle of a channel. There may be any number of them; see [`Channel`].
    pub fn channel(&self, name: &str, from: StartFrom) -> Result<Channel, Error> {
        let key = self.driver().with(|engine, now| engine.open(now, name, from))?;
        Ok(Channel::new(self.clone(), key, name.to_owned()))
    }

    /// Publishes a message. The future resolves when the log has stored it. Until then the client sends it again on each
    /// new connection, under the same idempotency key, and the log stores one message per key. The publication begins
    /// with the call. Dropping the future does not cancel it.
    pub fn publish<T: Serialize + ?Sized>(
        &self,
        channel: &str,
        data: &T,
    ) -> impl Future<Output = Result<Published, Error>> + use<T> {
        self.publish_with_key(channel, data, &random_name())
    }

    /// The same, with the application's own idempotency key.
    pub fn publish_with_key<T: Serialize + ?Sized>(
        &self,
        channel: &str,
        data: &T,
        key: &str,
    ) -> impl Future<Output = Result<Published, Error>> + use<T> {
        answer(payload::write(data).and_then(|data| self.send(channel, data, key)))
    }

    fn send(&self, channel: &str, data: Data, key: &str) -> Result<oneshot::Receiver<Answer>, Error> {
        self.driver().with(|engine, now| engine.publish(now, channel, key, data))
    }

    /// Sends an ephemeral event to the channel's other subscribers. It is dropped if it cannot be sent at once.
    pub fn cast<T: Serialize + ?Sized>(&self, channel: &str, data: &T) -> Result<(), Error> {
        let data = payload::write(data)?;
        let (bytes, buffered_bytes) = (data.len() as u64, self.driver().buffered_bytes());
        let name = channel.to_owned();
        let cast =
            |engine: &mut engine::Engine, now| engine.session.cast(now, name, data, bytes, buffered_bytes);
        Ok(self.driver().with(cast)?)
    }

    /// Closes the client for good: acknowledges processed messages, ends all channels and fails unanswered
    /// publications.
    pub fn close(&self) {
        self.0.close();
    }

    fn driver(&self) -> &Driver {
        &self.0.driver
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("state", &self.state()).finish_non_exhaustive()
    }
}

impl Inner {
    fn close(&self) {
        self.driver.with(|engine, now| engine.session.close(now));
        if let Some(lineage) = &self.lineage {
            lineage.end();
        }
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.close();
    }
}

async fn answer(sent: Result<oneshot::Receiver<Answer>, Error>) -> Answer {
    sent?.await.unwrap_or_else(|_| {
        let message = "the client was dropped before the server answered";
        Err(core::Error::new(code::CLOSED, message).into())
    })
}

/// A unique name: some 90 random bits.
pub(crate) fn random_name() -> String {
    let mut name = String::new();
    for mut bits in [random(), random()] {
        for _ in 0..10 {
            name.push(char::from(b'a' + (bits % 26) as u8));
            bits /= 26;
        }
    }
    name
}

#[cfg(not(target_arch = "wasm32"))]
const _: () = {
    const fn is_shared<T: Send + Sync + Clone>() {}
    const fn is_sent<T: Send + Unpin>() {}
    is_shared::<Client>();
    is_sent::<Channel>();
    is_sent::<States>();
    is_sent::<Error>();
};
