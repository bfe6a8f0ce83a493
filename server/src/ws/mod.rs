//! `/ws`: one socket, any number of channels.
//!
//! `handshake` turns a request into a `socket`. `connection` reads the client's frames and owns everything else: one
//! `feed` for each subscription, and one `writer` for all outgoing frames. A `dialect` is how frames are written and
//! read. Replays share their `pages`. The `registry` knows who is connected.

pub mod beats;
mod connection;
mod decoder;
mod dialect;
mod feed;
mod handshake;
mod interrupt;
pub(crate) mod pages;
mod progress;
pub mod registry;
mod socket;
mod writer;

pub use self::handshake::upgrade;

#[cfg(test)]
mod tests {
    use super::{connection, feed};

    /// The size of the task that runs this future.
    fn bytes<A, F: Future>(_: impl Fn(A) -> F) -> usize {
        size_of::<F>()
    }

    #[test]
    fn the_tasks_of_an_idle_connection_are_small() {
        let connection = bytes(|(accepted, upgraded)| connection::serve(accepted, upgraded));
        let feed = bytes(|(feed, start): (Box<feed::Feed>, _)| feed.run(start));
        assert!(
            connection < 96 && feed < 640,
            "{connection} and {feed} bytes: is something that seldom runs not boxed?"
        );
    }
}
