//! The homes, and what the tests do with a log in one.

use std::sync::Arc;
use std::time::Duration;

use seamline_server::log::embedded::EmbeddedLog;
use seamline_server::log::hub::{Hub, Live, Next};
use seamline_server::log::redis::RedisLog;
use seamline_server::log::{Append, Appended, Log, Message, PageLimit, Retention};
use tempfile::TempDir;
use tokio::time::timeout;

use crate::support::{PATIENCE, Redis};

/// Where a log lives on while nobody has it open.
pub enum Home {
    Embedded(TempDir),
    Redis(Redis),
}

/// A log that is open, and the hub that it feeds.
pub struct Node {
    pub log: Arc<dyn Log>,
    pub hub: Arc<Hub>,
}

impl Home {
    pub fn embedded() -> Home {
        Home::Embedded(TempDir::new().unwrap())
    }

    pub fn redis() -> Home {
        Home::Redis(Redis::start())
    }

    pub async fn open(&self) -> Node {
        self.open_with(Retention { messages: 100_000, age: None }).await
    }

    pub async fn open_with(&self, retention: Retention) -> Node {
        let hub = Arc::new(Hub::new(usize::MAX));
        let log: Arc<dyn Log> = match self {
            Home::Embedded(directory) => {
                Arc::new(EmbeddedLog::open(directory.path(), false, retention, hub.clone()).unwrap())
            }
            Home::Redis(redis) => {
                Arc::new(RedisLog::open(&redis.url(), retention, hub.clone()).await.unwrap())
            }
        };
        Node { log, hub }
    }

    /// Closes the node, kills what can be killed of the home, and opens it again.
    pub async fn reopen(&mut self, node: Node) -> Node {
        node.log.close().await;
        drop(node);
        if let Home::Redis(redis) = self {
            redis.kill();
            redis.restart();
        }
        self.open().await
    }
}

pub fn append(ch: &str, data: impl ToString) -> Append {
    Append { ch: ch.into(), key: None, data: data.to_string().into() }
}

pub fn keyed(ch: &str, key: &str, data: impl ToString) -> Append {
    Append { key: Some(key.into()), ..append(ch, data) }
}

impl Node {
    /// Appends, and waits for the answer.
    pub async fn append(&self, append: Append) -> Appended {
        self.log.submit(append).await.unwrap().await.unwrap()
    }

    /// Appends the numbers of a range as payloads, pipelined; returns the answers.
    pub async fn append_all(&self, ch: &str, range: std::ops::RangeInclusive<u64>) -> Vec<Appended> {
        let mut tickets = Vec::new();
        for i in range {
            tickets.push(self.log.submit(append(ch, i)).await.unwrap());
        }
        futures::future::try_join_all(tickets).await.unwrap()
    }

    /// Everything in the channel after an offset, page by page.
    pub async fn all(&self, ch: &str, after: u64) -> Vec<Message> {
        let mut messages: Vec<Message> = Vec::new();
        loop {
            let after = messages.last().map_or(after, |last| last.offset);
            let limit = PageLimit { messages: 500, bytes: 1 << 20 };
            let page = self.log.read(ch, after.into(), limit).await.unwrap();
            if page.messages.is_empty() {
                return messages;
            }
            messages.extend(page.messages);
        }
    }

    /// `(first, head)`
    pub async fn ends(&self, ch: &str) -> (u64, u64) {
        let info = self.log.info(ch).await.unwrap();
        (info.first, info.head)
    }

    pub async fn epoch(&self, ch: &str) -> String {
        self.log.info(ch).await.unwrap().epoch
    }

    /// Listens, as a subscription does.
    pub async fn listen(&self, ch: &str) -> Live {
        let live = self.hub.subscribe(ch);
        self.log.follow(ch).await.unwrap();
        live
    }
}

/// The next messages of a live stream.
pub async fn heard(live: &mut Live, count: usize) -> Vec<Arc<Message>> {
    let mut messages = Vec::new();
    while messages.len() < count {
        match timeout(PATIENCE, next(live)).await.expect("nothing comes live") {
            Next::Messages(run) => messages.extend(run),
            _ => panic!("the live stream ends or leaves something out"),
        }
    }
    messages
}

/// What comes next in a live stream, a single message if it is one. Ephemeral events are passed over.
async fn next(live: &mut Live) -> Next {
    loop {
        live.ready().await;
        match live.take(1, usize::MAX) {
            Next::Cast(_) | Next::Nothing => {}
            next => return next,
        }
    }
}

/// Waits until it ends, past any messages.
pub async fn ends(live: &mut Live) {
    let end = async { while !matches!(next(live).await, Next::End) {} };
    timeout(PATIENCE, end).await.expect("the live stream does not end");
}

/// That nothing more is there, without waiting long for it.
pub async fn nothing_more(live: &mut Live) {
    if let Ok(Next::Messages(run)) = timeout(Duration::from_millis(100), next(live)).await {
        panic!("unexpected: {run:?}");
    }
}
