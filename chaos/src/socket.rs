//! One WebSocket in a task of its own, which reports to the client that asked for it.

use futures::{SinkExt, StreamExt};
use seamline::core::SocketId;
use seamline::wire::SUBPROTOCOL;
use tokio::sync::mpsc;
use tokio_tungstenite::connect_async;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;

/// No close frame came (RFC 6455 §7.4.1).
const ABNORMAL: u16 = 1006;

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
) -> Result<(u16, String), Box<dyn std::error::Error + Send + Sync>> {
    let mut request = url.into_client_request()?;
    request.headers_mut().insert("sec-websocket-protocol", SUBPROTOCOL.parse()?);
    let (mut socket, _) = connect_async(request).await?;
    reports.send((id, Report::Open)).await?;
    loop {
        tokio::select! {
            frame = queue.recv() => match frame {
                Some(frame) => socket.send(Message::text(frame)).await?,
                None => return Ok((ABNORMAL, "closed here".into())),
            },
            item = socket.next() => match item {
                Some(Ok(Message::Text(text))) => reports.send((id, Report::Text(text.to_string()))).await?,
                Some(Ok(Message::Close(Some(frame)))) => return Ok((frame.code.into(), frame.reason.to_string())),
                Some(Ok(Message::Close(None))) | None => return Ok((ABNORMAL, "closed".into())),
                Some(Ok(_)) => {}
                Some(Err(e)) => return Err(e.into()),
            },
        }
    }
}
