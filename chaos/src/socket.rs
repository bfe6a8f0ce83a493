//! One WebSocket in a task of its own, which reports to the client that asked for it.

use anyhow::Result;
use seamline::core::SocketId;
use seamline::wire::SUBPROTOCOL;
use seamline_test_support::socket::{self, ABNORMAL, Incoming};
use tokio::sync::mpsc;

/// What a socket reports.
pub enum Report {
    Open,
    Text(String),
    Closed(u16, String),
}

/// A way to a socket. Dropping it closes the socket.
pub struct Socket {
    pub id: SocketId,
    frames: mpsc::UnboundedSender<String>,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for Socket {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Socket {
    pub fn open(id: SocketId, url: String, reports: mpsc::Sender<(SocketId, Report)>) -> Socket {
        let (frames, queue) = mpsc::unbounded_channel();
        let task = tokio::spawn(async move {
            let (code, reason) = match live(id, &url, &reports, queue).await {
                Ok(closed) => closed,
                Err(e) => (ABNORMAL, e.to_string()),
            };
            let _ = reports.send((id, Report::Closed(code, reason))).await;
        });
        Socket { id, frames, task }
    }

    pub fn send(&self, frame: String) {
        let _ = self.frames.send(frame); // it has ended, and reports so
    }
}

async fn live(
    id: SocketId,
    url: &str,
    reports: &mpsc::Sender<(SocketId, Report)>,
    mut queue: mpsc::UnboundedReceiver<String>,
) -> Result<(u16, String)> {
    let mut socket = socket::Socket::open(url, Some(SUBPROTOCOL)).await?;
    reports.send((id, Report::Open)).await?;
    loop {
        tokio::select! {
            frame = queue.recv() => match frame {
                Some(frame) => socket.send(frame).await?,
                None => return Ok((ABNORMAL, "closed here".into())),
            },
            incoming = socket.receive() => match incoming? {
                Incoming::Text(text) => reports.send((id, Report::Text(text.to_string()))).await?,
                Incoming::Closed(code, reason) => return Ok((code, reason)),
            },
        }
    }
}
