//! The bytes below a WebSocket: TCP, or TLS over it.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;

use crate::client::platform::Report;

/// How often the arrival of bytes is reported at most. A heartbeat is longer.
const REPORT_PAUSE: Duration = Duration::from_secs(1);

/// Where a socket reports to.
pub(super) type Reporter = Arc<dyn Fn(Report) + Send + Sync>;

/// A connection to a server. It reports when bytes arrive: a large frame on a slow link shows in this way that the
/// connection is alive, before the frame is complete.
pub(super) struct Stream {
    transport: Transport,
    report: Reporter,
    reported_at: Instant,
}

pub(super) enum Transport {
    Tcp(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

impl Stream {
    pub fn new(transport: Transport, report: Reporter) -> Self {
        Stream { transport, report, reported_at: Instant::now() }
    }

    fn arrived(&mut self) {
        if self.reported_at.elapsed() > REPORT_PAUSE {
            self.reported_at = Instant::now();
            (self.report)(Report::Part);
        }
    }
}

/// Calls a method of either transport.
macro_rules! either {
    ($stream:expr, $method:ident($($arg:expr),*)) => {
        match &mut $stream.get_mut().transport {
            Transport::Tcp(tcp) => Pin::new(tcp).$method($($arg),*),
            Transport::Tls(tls) => Pin::new(&mut **tls).$method($($arg),*),
        }
    };
}

impl AsyncRead for Stream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let polled = either!(self.as_mut(), poll_read(cx, buffer));
        if buffer.filled().len() > before {
            self.arrived();
        }
        polled
    }
}

impl AsyncWrite for Stream {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        either!(self, poll_write(cx, bytes))
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        either!(self, poll_flush(cx))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        either!(self, poll_shutdown(cx))
    }
}
