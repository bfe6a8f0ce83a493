//! `/ws`: one socket, any number of channels.
//!
//! `handshake` turns a request into a `socket`. `connection` reads the client's frames and owns everything else: one
//! `feed` for each subscription, and one `writer` for all outgoing frames. A `dialect` is how frames are written and
//! read. Replays share their `pages`.

mod connection;
mod dialect;
mod feed;
mod handshake;
pub(crate) mod pages;
mod progress;
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
        let feed = bytes(|feed: Box<feed::Feed>| feed.run());
        assert!(
            connection < 1280 && feed < 944,
            "{connection} and {feed} bytes: is something that seldom runs not boxed?"
        );
    }
}
