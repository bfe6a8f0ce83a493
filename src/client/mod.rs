//! The client for Rust front ends: [`Client`], and [`Channel`], a stream of the messages and events of a
//! channel.
//!
//! ```no_run
//! use futures::StreamExt;
//! use seamline::client::{Client, Item, Options, StartFrom};
//!
//! # async fn run() -> Result<(), seamline::core::Error> {
//! let client = Client::connect("wss://example.com/ws", Options::default())?;
//! let mut room = client.channel("room-1", StartFrom::Start)?;
//! room.publish(&"hi").await?;
//! while let Some(item) = room.next().await {
//!     match item {
//!         Item::Message(message) => show(&message.json::<String>()?),
//!         Item::Gap(gap) => show(&format!("lost: {} and on", gap.from)),
//!         Item::Live | Item::Cast(_) | Item::Error(_) => {}
//!     }
//! }
//! # Ok(())
//! # }
//! # fn show(_: &str) {}
//! ```

mod channel;
mod dialect;
mod host;
mod item;
mod options;

use std::future::Future;
use std::rc::Rc;

use futures::channel::oneshot;
use futures::stream::Stream;
use serde::Serialize;
use wasm_bindgen_futures::spawn_local;

use crate::browser::driver::Driver;
use crate::browser::lifecycle::{Lifecycle, PageEvent};
use crate::browser::lineage::Lineage;
use crate::core::{Error, Protocol, State, Stats};
use crate::wire::{StartAt, code};
use host::App;

pub use channel::Channel;
pub use item::{Item, Message, Published};
pub use options::{Options, StartFrom};

/// A connection to a server, which reconnects until it is closed. Clones are the same client. It is closed
/// when the last clone and the last channel are dropped.
#[derive(Clone)]
pub struct Client(Rc<Inner>);

struct Inner {
    driver: Driver<App>,
    lineage: Option<Rc<Lineage>>,
    _lifecycle: Lifecycle,
}

impl Client {
    /// Connects to a `ws:` or `wss:` URL, and stays connected until [`Client::close`]. Returns at once. The
    /// first attempt starts when the current turn of the event loop ends.
    pub fn connect(url: &str, mut options: Options) -> Result<Client, Error> {
        if !(url.starts_with("ws://") || url.starts_with("wss://")) || url.contains('#') {
            return Err(Error::new(
                code::BAD_URL,
                "the URL must begin with ws:// or wss:// and have no fragment",
            ));
        }
        let lineage = options.lineage().map(Rc::new);
        let hidden = lineage.clone();
        let driver = options.driver(url.to_owned());
        let woken = driver.downgrade();
        let lifecycle = Lifecycle::watch(move |event| {
            // Again, because a page that was restored from the back/forward cache is not the newest name
            // there.
            if let (Some(lineage), PageEvent::Hide | PageEvent::Suspend) = (&hidden, &event)
                && !lineage.ended()
            {
                lineage.names();
            }
            if let Some(driver) = woken.upgrade() {
                match event {
                    PageEvent::Wake => driver.wake(),
                    PageEvent::Hide => driver.with(|session, now| session.handle_hide(now)),
                    PageEvent::Suspend => driver.with(|session, now| session.handle_suspend(now)),
                }
            }
        });
        // Not at once: in the plain dialect, the URL contains the start points of the channels that are opened in
        // the same turn.
        let begun = driver.downgrade();
        spawn_local(async move {
            if let Some(driver) = begun.upgrade() {
                driver.with(|session, now| session.connect(now));
            }
        });
        Ok(Client(Rc::new(Inner { driver, lineage, _lifecycle: lifecycle })))
    }

    /// The state of the connection.
    pub fn state(&self) -> State {
        self.driver().host().state()
    }

    /// The states as they change, from now on. The stream ends after [`State::Closed`].
    pub fn states(&self) -> impl Stream<Item = State> + use<> {
        self.driver().host().states()
    }

    /// The counters so far.
    pub fn stats(&self) -> Stats {
        self.driver().stats()
    }

    /// Subscribes to a channel.
    pub fn channel(&self, name: &str, from: StartFrom) -> Result<Channel, Error> {
        let (from, position) = match from {
            StartFrom::Stored => (None, None),
            StartFrom::Start => (Some(StartAt::Start), None),
            StartFrom::Tail => (Some(StartAt::Tail), None),
            StartFrom::After(position) => (None, Some(position)),
        };
        let start = position.clone();
        let id =
            self.driver().with(|session, now| session.subscribe(now, name.to_owned(), from, position))?;
        Ok(Channel::new(self.clone(), id, name.to_owned(), start))
    }

    /// Publishes a message. The future resolves when the log has stored it. Until then the client sends it
    /// again on each new connection, under the same idempotency key, and the log stores one message per key.
    /// Dropping the future does not cancel the publication.
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
        let answer = self.send(channel, data, key);
        async move {
            match answer {
                Ok(answer) => answer.await.unwrap_or_else(|_| {
                    Err(Error::new(code::CLOSED, "the client was dropped before the server answered"))
                }),
                Err(error) => Err(error),
            }
        }
    }

    fn send<T: Serialize + ?Sized>(
        &self,
        channel: &str,
        data: &T,
        key: &str,
    ) -> Result<oneshot::Receiver<Result<Published, Error>>, Error> {
        let (data, bytes) = item::to_json(data)?;
        let (channel, key) = (channel.to_owned(), key.to_owned());
        let id = self.driver().with(|session, now| session.publish(now, channel, key, data, bytes))?;
        Ok(self.driver().host().answer_to(id))
    }

    /// Sends an ephemeral event to the channel's other subscribers. It is dropped if it cannot be sent at
    /// once.
    pub fn cast<T: Serialize + ?Sized>(&self, channel: &str, data: &T) -> Result<(), Error> {
        let (data, bytes) = item::to_json(data)?;
        let buffered_bytes = self.driver().buffered_bytes();
        self.driver().with(|session, now| session.cast(now, channel.to_owned(), data, bytes, buffered_bytes))
    }

    /// Closes the client for good: acknowledges processed messages, ends all channels and fails unanswered
    /// publications.
    pub fn close(&self) {
        self.0.close();
    }

    fn driver(&self) -> &Driver<App> {
        &self.0.driver
    }
}

impl Inner {
    fn close(&self) {
        self.driver.with(|session, now| session.close(now));
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

/// A unique name: some 90 random bits.
fn random_name() -> String {
    (0..20).map(|_| char::from(b'a' + (js_sys::Math::random() * 26.0) as u8)).collect()
}
