//! Counts the bytes that move over a socket. They show that a client is alive even while no frame is complete: on a
//! slow link, a large frame takes longer than a client may be silent.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::writer::Shared;

/// How many times bytes have moved.
#[derive(Default)]
pub(super) struct Progress(AtomicU64);

impl Progress {
    pub fn so_far(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    fn moved(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

/// A connection whose progress is counted.
pub(super) struct Watched<Io> {
    io: Io,
    shared: Arc<Shared>,
    /// Whether the last write had to wait. When it continues, the client has accepted something. A write that does not
    /// have to wait shows nothing: the system's buffer accepts it, even if the client is dead.
    blocked: bool,
}

impl<Io> Watched<Io> {
    pub fn new(io: Io, shared: Arc<Shared>) -> Self {
        Watched { io, shared, blocked: false }
    }

    fn wrote<T>(&mut self, polled: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        let was_blocked = std::mem::replace(&mut self.blocked, polled.is_pending());
        if was_blocked && matches!(polled, Poll::Ready(Ok(_))) {
            self.shared.progress.moved();
        }
        polled
    }
}

impl<Io: AsyncRead + Unpin> AsyncRead for Watched<Io> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let polled = Pin::new(&mut self.io).poll_read(cx, buffer);
        if buffer.filled().len() > before {
            self.shared.progress.moved();
        }
        polled
    }
}

impl<Io: AsyncWrite + Unpin> AsyncWrite for Watched<Io> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.io).poll_write(cx, bytes);
        self.wrote(polled)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        parts: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.io).poll_write_vectored(cx, parts);
        self.wrote(polled)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let polled = Pin::new(&mut self.io).poll_flush(cx);
        self.wrote(polled)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    #[tokio::test]
    async fn received_bytes_are_progress() {
        let (mut client, server) = tokio::io::duplex(64);
        let shared = Arc::new(Shared::new(Default::default()));
        let mut watched = Watched::new(server, shared.clone());
        client.write_all(b"ab").await.unwrap();
        watched.read_u8().await.unwrap();
        watched.read_u8().await.unwrap();
        assert_eq!(shared.progress.so_far(), 2);
    }

    #[tokio::test]
    async fn buffered_bytes_are_not_progress() {
        let (mut client, server) = tokio::io::duplex(8);
        let shared = Arc::new(Shared::new(Default::default()));
        let mut watched = Watched::new(server, shared.clone());
        watched.write_all(b"12345678").await.unwrap();
        watched.flush().await.unwrap();
        assert_eq!(shared.progress.so_far(), 0);
        let (written, _) = tokio::join!(watched.write_all(b"9"), client.read_u8());
        written.unwrap();
        assert_eq!(shared.progress.so_far(), 1);
    }
}
