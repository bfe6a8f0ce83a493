//! One WebSocket in its own task.

use std::future::pending;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{SinkExt, StreamExt};
use tokio::sync::mpsc::{self, UnboundedReceiver, UnboundedSender};
use tokio::task::AbortHandle;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::{Error, Message, Utf8Bytes};

use super::connect::{self, Target, WebSocket};
use super::runtime::Runtime;
use super::stream::Reporter;
use crate::client::platform::Report;

/// No close frame came, or one without a code (RFC 6455, section 7.4.1).
const ABNORMAL: u16 = 1006;
const NO_CODE: u16 = 1005;
/// How long the server may take to answer a close frame.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(2);
/// How long a close frame may take to arrive on a connection that can no longer be written to.
const REASON_TIMEOUT: Duration = Duration::from_secs(1);

/// How much may wait to be flushed together.
const UNFLUSHED_BYTES_MAX: u64 = 64 * 1024;

/// An open or opening WebSocket. Dropping its last clone cuts the connection.
#[derive(Clone)]
pub(crate) struct Socket(Arc<Handle>);

struct Handle {
    outgoing: UnboundedSender<Outgoing>,
    waiting_bytes: Arc<AtomicU64>,
    closing: AtomicBool,
    task: AbortHandle,
}

enum Outgoing {
    Text(String),
    Close(u16),
}

impl Socket {
    /// Opens a WebSocket, which reports from its task.
    pub fn open(
        runtime: &Runtime,
        url: &str,
        subprotocol: &'static str,
        report: impl Fn(Report) + Send + Sync + 'static,
    ) -> Result<Self, String> {
        let target = Target::new(url, subprotocol, runtime.tls())?;
        let (outgoing, queue) = mpsc::unbounded_channel();
        let waiting_bytes = Arc::<AtomicU64>::default();
        let end = End { report: Arc::new(report), last: None };
        let task = runtime.start(run(target, end, queue, Arc::clone(&waiting_bytes)));
        Ok(Socket(Arc::new(Handle { outgoing, waiting_bytes, closing: AtomicBool::new(false), task })))
    }

    /// Sends a frame after those that wait already.
    pub fn send(&self, text: String) -> Result<(), String> {
        self.0.waiting_bytes.fetch_add(text.len() as u64, Ordering::Relaxed);
        let sent = self.0.outgoing.send(Outgoing::Text(text));
        sent.map_err(|_| "the connection has ended".to_owned())
    }

    /// Bytes that were not written to the system yet.
    pub fn buffered_bytes(&self) -> u64 {
        self.0.waiting_bytes.load(Ordering::Relaxed)
    }

    /// Sends what waits, and then closes with this code. One that is still opening is abandoned.
    pub fn close(&self, code: u16) {
        let sent = self.0.outgoing.send(Outgoing::Close(code));
        self.0.closing.store(sent.is_ok(), Ordering::Relaxed);
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        if !*self.closing.get_mut() {
            self.task.abort();
        }
    }
}

/// Reports the end of a socket, also if its task is dropped or panics.
struct End {
    report: Reporter,
    last: Option<Report>,
}

impl Drop for End {
    fn drop(&mut self) {
        let unknown = || {
            lost("the task of the WebSocket has ended; the tokio runtime must run, and have `enable_all()`")
        };
        (self.report)(self.last.take().unwrap_or_else(unknown));
    }
}

async fn run(
    target: Target,
    mut end: End,
    mut queue: UnboundedReceiver<Outgoing>,
    waiting_bytes: Arc<AtomicU64>,
) {
    let opened = tokio::select! {
        opened = target.open(Arc::clone(&end.report)) => opened,
        // Nothing is sent before it is open, so this is a close.
        _ = queue.recv() => return,
    };
    let socket = match opened {
        Ok(socket) => socket,
        Err(cause) => return end.last = Some(Report::Closed(ABNORMAL, cause)),
    };
    (end.report)(Report::Open);
    let (sink, stream) = socket.split();
    let mut reading = pin!(read(stream, &end.report));
    let written = tokio::select! {
        report = &mut reading => Err(report),
        written = write(sink, queue, &waiting_bytes) => Ok(written),
    };
    let report = match written {
        Err(report) => report,
        Ok(Written::Closing) => {
            let answered = timeout(CLOSE_TIMEOUT, reading).await;
            answered.unwrap_or_else(|_| lost("the server did not answer a close frame"))
        }
        // The reason may be in a close frame that was not read yet.
        Ok(Written::Failed(error)) => {
            timeout(REASON_TIMEOUT, reading).await.unwrap_or_else(|_| lost(&error.to_string()))
        }
    };
    end.last = Some(report);
}

fn lost(cause: &str) -> Report {
    Report::Closed(ABNORMAL, cause.to_owned())
}

/// How writing ended.
enum Written {
    /// A close frame was sent.
    Closing,
    Failed(Error),
}

async fn write(
    mut sink: SplitSink<WebSocket, Message>,
    mut queue: UnboundedReceiver<Outgoing>,
    waiting_bytes: &AtomicU64,
) -> Written {
    let mut unflushed_bytes = 0;
    while let Some(outgoing) = queue.recv().await {
        let text = match outgoing {
            Outgoing::Text(text) => text,
            Outgoing::Close(code) => {
                let frame = CloseFrame { code: code.into(), reason: Utf8Bytes::default() };
                let sent = sink.send(Message::Close(Some(frame))).await;
                return sent.map_or_else(Written::Failed, |()| Written::Closing);
            }
        };
        unflushed_bytes += text.len() as u64;
        // Frames that wait together leave together.
        let flushes = queue.is_empty() || unflushed_bytes > UNFLUSHED_BYTES_MAX;
        let message = Message::text(text);
        let written = if flushes { sink.send(message).await } else { sink.feed(message).await };
        if let Err(error) = written {
            return Written::Failed(error);
        }
        if flushes {
            waiting_bytes.fetch_sub(std::mem::take(&mut unflushed_bytes), Ordering::Relaxed);
        }
    }
    pending().await // the handle was dropped, which ends this task
}

/// Reads until the connection ends. Pings are answered meanwhile.
async fn read(mut stream: SplitStream<WebSocket>, report: &Reporter) -> Report {
    loop {
        match stream.next().await {
            Some(Ok(Message::Text(text))) => report(Report::Text(text.as_str().to_owned())),
            Some(Ok(Message::Binary(_))) => report(Report::Binary),
            Some(Ok(Message::Close(Some(frame)))) => {
                return Report::Closed(frame.code.into(), frame.reason.to_string());
            }
            Some(Ok(Message::Close(None))) => return Report::Closed(NO_CODE, String::new()),
            Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => {}
            Some(Err(error)) => return lost(&connect::cause(&error)),
            None => return lost("the connection ended without a close frame"),
        }
    }
}
