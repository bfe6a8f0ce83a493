//! A connection whose writes fail when the client accepts nothing for too long.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Sleep, sleep};

/// See the module.
pub(super) struct SendTimeout<Io> {
    io: Io,
    timeout: Duration,
    /// Runs while a write waits. Boxed, because few connections have one that does.
    waiting: Option<Pin<Box<Sleep>>>,
}

impl<Io> SendTimeout<Io> {
    pub fn new(io: Io, timeout: Duration) -> Self {
        SendTimeout { io, timeout, waiting: None }
    }

    /// What becomes of a write.
    fn limit<T>(&mut self, write: Poll<io::Result<T>>, cx: &mut Context<'_>) -> Poll<io::Result<T>> {
        if write.is_ready() {
            self.waiting = None;
            return write;
        }
        let waiting = self.waiting.get_or_insert_with(|| Box::pin(sleep(self.timeout)));
        match waiting.as_mut().poll(cx) {
            Poll::Pending => Poll::Pending,
            Poll::Ready(()) => {
                self.waiting = None;
                Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
            }
        }
    }
}

impl<Io: AsyncRead + Unpin> AsyncRead for SendTimeout<Io> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_read(cx, buffer)
    }
}

impl<Io: AsyncWrite + Unpin> AsyncWrite for SendTimeout<Io> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let write = Pin::new(&mut self.io).poll_write(cx, bytes);
        self.limit(write, cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        parts: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let write = Pin::new(&mut self.io).poll_write_vectored(cx, parts);
        self.limit(write, cx)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flush = Pin::new(&mut self.io).poll_flush(cx);
        self.limit(flush, cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let shutdown = Pin::new(&mut self.io).poll_shutdown(cx);
        self.limit(shutdown, cx)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::time::Instant;

    use super::*;

    const TIMEOUT: Duration = Duration::from_secs(1);

    #[tokio::test]
    async fn a_write_that_nobody_accepts_times_out() {
        let (client, server) = tokio::io::duplex(4);
        let (mut server, start) = (SendTimeout::new(server, TIMEOUT), Instant::now());
        server.write_all(b"1234").await.unwrap();
        assert!(server.waiting.is_none());
        let failed = server.write_all(b"5").await.unwrap_err();
        assert!(failed.kind() == io::ErrorKind::TimedOut && start.elapsed() >= TIMEOUT, "{failed}");
        drop(client);
    }

    #[tokio::test]
    async fn a_slow_client_that_accepts_something_does_not() {
        let (mut client, server) = tokio::io::duplex(1);
        let mut server = SendTimeout::new(server, TIMEOUT);
        let reads = async {
            for _ in 0..10 {
                tokio::time::sleep(TIMEOUT / 5).await;
                client.read_u8().await.unwrap();
            }
        };
        let (written, ()) = tokio::join!(server.write_all(b"0123456789"), reads);
        written.unwrap();
        assert!(server.waiting.is_none());
    }
}
