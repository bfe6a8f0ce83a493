//! One WebSocket in its own task, which events to the client that opened it.

use anyhow::Result;
use seamline::core::SocketId;
use seamline::wire::SUBPROTOCOL;
use seamline_test_support::socket::{self, ABNORMAL, Incoming};
use tokio::sync::mpsc;

/// What happens to a socket.
pub enum SocketEvent {
    Open,
    Text(String),
    Closed(u16, String),
}

/// A handle of the task. Dropping it closes the socket.
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
    pub fn open(id: SocketId, url: String, events: mpsc::Sender<(SocketId, SocketEvent)>) -> Socket {
        let (frames, queue) = mpsc::unbounded_channel();
        let task = tokio::spawn(async move {
            let (code, reason) = match live(id, &url, &events, queue).await {
                Ok(closed) => closed,
                Err(e) => (ABNORMAL, e.to_string()),
            };
            let _ = events.send((id, SocketEvent::Closed(code, reason))).await;
        });
        Socket { id, frames, task }
    }

    pub fn send(&self, frame: String) {
        let _ = self.frames.send(frame); // an error: it has ended, and has reported that
    }
}

async fn live(
    id: SocketId,
    url: &str,
    events: &mpsc::Sender<(SocketId, SocketEvent)>,
    mut queue: mpsc::UnboundedReceiver<String>,
) -> Result<(u16, String)> {
    let mut socket = socket::Socket::open(url, Some(SUBPROTOCOL)).await?;
    events.send((id, SocketEvent::Open)).await?;
    loop {
        tokio::select! {
            frame = queue.recv() => match frame {
                Some(frame) => socket.send(frame).await?,
                None => return Ok((ABNORMAL, "closed here".into())),
            },
            incoming = socket.receive() => match incoming? {
                Incoming::Text(text) => events.send((id, SocketEvent::Text(text.to_string()))).await?,
                Incoming::Closed(code, reason) => return Ok((code, reason)),
            },
        }
    }
}
