//! One WebSocket in its own task.

use std::future::pending;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{SinkExt, StreamExt};
use tokio::sync::Notify;
use tokio::sync::mpsc::{self, UnboundedReceiver, UnboundedSender};
use tokio::task::AbortHandle;
use tokio::time::{sleep, timeout};
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::{Error, Message, Utf8Bytes};

use super::connect::{self, Target, WebSocket};
use super::runtime::Runtime;
use super::stream::Reporter;
use crate::client::platform::Report;

/// No close frame came, or one without a code (RFC 6455, section 7.4.1).
const ABNORMAL: u16 = 1006;
const NO_CODE: u16 = 1005;
/// How long a close may take: what waits is sent, and the server answers the close frame.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(3);
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
    closing: Arc<Closing>,
    task: AbortHandle,
}

/// Whether the socket is closing.
#[derive(Default)]
struct Closing {
    is_closing: AtomicBool,
    begun: Notify,
}

impl Closing {
    fn begin(&self) {
        self.is_closing.store(true, Ordering::Relaxed);
        self.begun.notify_one();
    }

    /// Returns when a close has taken too long, such as one behind frames that the server does not read.
    async fn overdue(&self) {
        self.begun.notified().await;
        sleep(CLOSE_TIMEOUT).await;
    }
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
        let closing = Arc::<Closing>::default();
        let task = run(target, end, queue, Arc::clone(&waiting_bytes), Arc::clone(&closing));
        let task = runtime.start(task);
        Ok(Socket(Arc::new(Handle { outgoing, waiting_bytes, closing, task })))
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
        if self.0.outgoing.send(Outgoing::Close(code)).is_ok() {
            self.0.closing.begin();
        }
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        if !self.closing.is_closing.load(Ordering::Relaxed) {
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
    closing: Arc<Closing>,
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
    let ended = async {
        let written = tokio::select! {
            report = &mut reading => return report,
            written = write(sink, queue, &waiting_bytes) => written,
        };
        match written {
            Written::Closing => reading.await,
            // The reason may be in a close frame that was not read yet.
            Written::Failed(error) => {
                timeout(REASON_TIMEOUT, reading).await.unwrap_or_else(|_| lost(&error.to_string()))
            }
        }
    };
    let report = tokio::select! {
        report = ended => report,
        () = closing.overdue() => lost("the server did not answer a close frame"),
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
