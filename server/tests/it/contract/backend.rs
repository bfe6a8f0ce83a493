//! The backends, and operations that the tests share.

use std::future::poll_fn;
use std::sync::Arc;
use std::time::Duration;

use seamline_server::log::embedded::EmbeddedStore;
use seamline_server::log::hub::{Hub, Inbox, LiveStream, Next};
use seamline_server::log::{Append, Appended, ChannelInfo, Message, PageLimit, Retention, Store, redis};
use tempfile::TempDir;
use tokio::time::timeout;

use crate::support::{PATIENCE, Redis};

/// The data of a store, which outlives the nodes that open it.
pub enum Backend {
    Embedded(TempDir),
    Redis(Redis),
    /// A Redis Cluster of one node.
    Cluster(Redis),
}

/// An open store and its hub.
pub struct Node {
    pub store: Arc<dyn Store>,
    pub hub: Arc<Hub>,
}

impl Backend {
    pub fn embedded() -> Backend {
        Backend::Embedded(TempDir::new().unwrap())
    }

    pub fn redis() -> Backend {
        Backend::Redis(Redis::start())
    }

    pub fn cluster() -> Backend {
        Backend::Cluster(Redis::start_cluster())
    }

    pub async fn open(&self) -> Node {
        self.open_with(Retention::default()).await
    }

    pub async fn open_with(&self, retention: Retention) -> Node {
        let hub = Arc::new(Hub::new(usize::MAX));
        let store: Arc<dyn Store> = match self {
            Backend::Embedded(directory) => {
                Arc::new(EmbeddedStore::open(directory.path(), false, retention, hub.clone()).unwrap())
            }
            Backend::Redis(redis) => redis::open(&redis.url(), retention, hub.clone()).await.unwrap(),
            Backend::Cluster(redis) => {
                redis::open(&redis.cluster_url(), retention, hub.clone()).await.unwrap()
            }
        };
        Node { store, hub }
    }

    /// Closes the node, kills Redis if there is one, and opens the store again.
    pub async fn reopen(&mut self, node: Node) -> Node {
        node.store.close().await;
        drop(node);
        match self {
            Backend::Embedded(_) => {}
            Backend::Redis(redis) => {
                redis.kill();
                redis.restart();
            }
            Backend::Cluster(redis) => {
                redis.kill();
                redis.restart();
                redis.wait_for_cluster();
            }
        }
        self.open().await
    }
}

pub fn append(ch: &str, data: impl ToString) -> Append {
    Append { ch: ch.into(), key: None, data: data.to_string().into(), trace: Default::default() }
}

pub fn keyed(ch: &str, key: &str, data: impl ToString) -> Append {
    Append { key: Some(key.into()), ..append(ch, data) }
}

impl Node {
    /// Appends a message and waits for the result.
    pub async fn append(&self, append: Append) -> Appended {
        self.store.submit(append).await.unwrap().await.unwrap()
    }

    /// Appends the numbers of a range as payloads, pipelined.
    pub async fn append_all(&self, ch: &str, range: std::ops::RangeInclusive<u64>) -> Vec<Appended> {
        let mut pending = Vec::new();
        for i in range {
            pending.push(self.store.submit(append(ch, i)).await.unwrap());
        }
        futures::future::try_join_all(pending).await.unwrap()
    }

    /// All messages after an offset, read page by page.
    pub async fn all(&self, ch: &str, after: u64) -> Vec<Message> {
        let mut messages: Vec<Message> = Vec::new();
        loop {
            let after = messages.last().map_or(after, |last| last.offset);
            let limit = PageLimit { messages: 500, bytes: 1 << 20 };
            let page = self.store.read(ch, after.into(), limit).await.unwrap().unwrap();
            if page.messages.is_empty() {
                return messages;
            }
            messages.extend(page.messages);
        }
    }

    /// `(first, head)`
    pub async fn ends(&self, ch: &str) -> (u64, u64) {
        let info = self.store.info(ch).await.unwrap();
        (info.first, info.head)
    }

    pub async fn epoch(&self, ch: &str) -> String {
        self.store.info(ch).await.unwrap().epoch
    }

    /// Listens to a channel like a subscription.
    pub async fn listen(&self, ch: &str) -> Listener {
        self.listen_from(ch).await.0
    }

    /// The same, with the extent of the log. All beyond its head is heard.
    pub async fn listen_from(&self, ch: &str) -> (Listener, ChannelInfo) {
        let mut live = self.hub.subscribe(ch);
        let info = self.store.follow(ch).await.unwrap();
        let inbox = Arc::new(Inbox::default());
        live.notify(inbox.clone(), 0);
        (Listener { live, inbox }, info)
    }
}

/// A live stream, and where it reports that it has something.
pub struct Listener {
    live: LiveStream,
    inbox: Arc<Inbox>,
}

/// The next messages of a live stream, exactly this many.
pub async fn heard(live: &mut Listener, count: usize) -> Vec<Arc<Message>> {
    let mut messages = Vec::new();
    while messages.len() < count {
        match timeout(PATIENCE, next(live)).await.expect("nothing comes live") {
            Next::Messages(run) => messages.extend_from_slice(run.messages()),
            _ => panic!("the live stream ends or leaves something out"),
        }
    }
    messages
}

/// The next item of a live stream, with at most one message. Skips ephemeral events.
async fn next(live: &mut Listener) -> Next {
    loop {
        poll_fn(|cx| live.inbox.poll_ready(cx)).await;
        live.inbox.take();
        match live.live.take(1, usize::MAX) {
            Next::Cast(_) | Next::Nothing => {}
            next => return next,
        }
    }
}

/// Waits until the live stream ends, and skips messages.
pub async fn ends(live: &mut Listener) {
    let end = async { while !matches!(next(live).await, Next::End) {} };
    timeout(PATIENCE, end).await.expect("the live stream does not end");
}

/// Asserts that nothing arrives within a short time.
pub async fn nothing_more(live: &mut Listener) {
    if let Ok(Next::Messages(run)) = timeout(Duration::from_millis(100), next(live)).await {
        panic!("unexpected: {:?}", run.messages());
    }
}
