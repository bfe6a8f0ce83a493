//! `/ws`: one socket, any number of channels.
//!
//! `handshake` turns a request into a socket. `connection` reads the client's frames and owns everything else: one
//! `feed` per subscription, and one `writer` for all that goes out. `dialect` is how it is spoken: `frames` has
//! `seamline.v1`, `plain` the plain dialect.

mod connection;
mod dialect;
mod feed;
mod handshake;
mod writer;

use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use tokio_tungstenite::WebSocketStream;

use self::connection::progress::Watched;

pub use self::handshake::upgrade;

/// The socket. The handshake is done here rather than by the framework, because closing well after
/// an oversized frame takes the raw stream underneath (see `connection::end`).
type Socket = WebSocketStream<Watched<TokioIo<Upgraded>>>;

/// How much is read from a socket at once. Each socket has a buffer of this size, and most of what a connection
/// costs would be this one; clients' frames are small.
const READ_BUFFER_BYTES: usize = 1024;
/// So much is gathered before it is written; a socket keeps a buffer of up to twice this size, once it was needed.
const WRITE_BUFFER_BYTES: usize = 8 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    /// How large the task of a future is that is made of these arguments.
    fn bytes<A, F: Future>(_: impl Fn(A) -> F) -> usize {
        size_of::<F>()
    }

    #[test]
    fn the_tasks_of_an_idle_connection_are_small() {
        let connection = bytes(|(app, halves, progress, entry, opening)| {
            connection::serve(app, halves, progress, entry, opening)
        });
        let feed = bytes(|feed: feed::Feed| feed.run());
        assert!(
            connection < 2048 && feed < 1200,
            "{connection} and {feed} bytes: is something seldom not boxed?"
        );
    }
}
