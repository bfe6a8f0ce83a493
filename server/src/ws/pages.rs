//! The pages of replays, as frames. When many clients reconnect at once, they ask for the same ranges: each page is
//! read and encoded once, and all their sockets share its bytes.
//!
//! A shared page may be older than the subscription that gets it. Messages never change, so what it has is right, but
//! it must not decide that the log ends. So a feed asks for one only while it knows that the log has more, and an
//! empty page is never shared.

use std::sync::Arc;
use std::time::{Duration, Instant};

use moka::future::Cache;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::histogram::Histogram;
use tokio_tungstenite::tungstenite::Bytes;

use super::dialect::Dialect;
use crate::http::metrics::Metrics;
use crate::log::{After, ChannelInfo, Page, PageLimit, Store, StoreError};

/// The bytes of all pages that are kept.
const BYTES_MAX: u64 = 8 * 1024 * 1024;
/// What a page costs besides its frames.
const PAGE_BYTES: usize = 512;
/// A message that is deleted from a log may still be sent for this long.
const KEPT_FOR: Duration = Duration::from_secs(2);
const FREE_INTERVAL: Duration = Duration::from_secs(10);

/// Which messages, and how they are written.
#[derive(Clone, Hash, PartialEq, Eq)]
struct Key {
    dialect: Dialect,
    ch: String,
    epoch: String,
    after: u64,
    limit: (usize, usize),
}

/// A page that is ready to be sent.
#[derive(Debug)]
pub(super) struct EncodedPage {
    pub info: ChannelInfo,
    /// The last message; `None` if the page is empty.
    pub last: Option<After>,
    /// Number of messages.
    pub messages: usize,
    /// Bytes of payload.
    pub bytes: usize,
    pub frames: Vec<Bytes>,
}

impl EncodedPage {
    fn new(dialect: Dialect, ch: &str, page: Page) -> Self {
        let Page { info, messages } = page;
        EncodedPage {
            last: messages.last().map(|last| After { offset: last.offset, id: Some(last.id) }),
            messages: messages.len(),
            bytes: messages.iter().map(|message| message.data.len()).sum(),
            frames: if messages.is_empty() {
                Vec::new()
            } else {
                dialect.messages(ch, messages.iter(), true)
            },
            info,
        }
    }

    pub fn frame_bytes(&self) -> usize {
        self.frames.iter().map(Bytes::len).sum()
    }

    fn weight(&self) -> u32 {
        u32::try_from(self.frame_bytes() + PAGE_BYTES).unwrap_or(u32::MAX)
    }
}

/// Why a page is not shared.
enum Unshared {
    Empty,
    Failed(StoreError),
}

/// See the module.
pub(crate) struct Pages {
    shared: Cache<Key, Arc<EncodedPage>>,
    pages_encoded: Counter,
    pages_shared: Counter,
    read_seconds: Histogram,
}

impl Pages {
    pub fn new(metrics: &Metrics) -> Self {
        let shared = Cache::builder()
            .weigher(|_: &Key, page: &Arc<EncodedPage>| page.weight())
            .max_capacity(BYTES_MAX)
            .time_to_live(KEPT_FOR)
            .build();
        let (pages_encoded, pages_shared) = (metrics.pages_encoded.clone(), metrics.pages_shared.clone());
        Pages { shared, pages_encoded, pages_shared, read_seconds: metrics.store_read_seconds.clone() }
    }

    /// Reads a page after a message of this epoch from the log, for one client.
    pub(super) async fn read(
        &self,
        store: &dyn Store,
        dialect: Dialect,
        ch: &str,
        after: After,
        limit: PageLimit,
    ) -> Result<EncodedPage, StoreError> {
        let begun = Instant::now();
        let page = match store.read(ch, after, limit).await? {
            Some(page) => page,
            // It was deleted. The epoch shows that.
            None => Page { info: store.info(ch).await?, messages: Vec::new() },
        };
        self.read_seconds.observe(begun.elapsed().as_secs_f64());
        let page = EncodedPage::new(dialect, ch, page);
        self.pages_encoded.inc_by(u64::from(page.messages > 0));
        Ok(page)
    }

    /// The same for a log that has messages after that one. Another client may have asked for the page before.
    pub(super) async fn share(
        &self,
        store: &dyn Store,
        dialect: Dialect,
        (ch, epoch): (&str, &str),
        after: After,
        limit: PageLimit,
    ) -> Result<Arc<EncodedPage>, StoreError> {
        let (name, epoch) = (ch.to_owned(), epoch.to_owned());
        let key = Key { dialect, ch: name, epoch, after: after.offset, limit: (limit.messages, limit.bytes) };
        let read = async {
            match self.read(store, dialect, ch, after, limit).await {
                Ok(page) if page.messages == 0 => Err(Unshared::Empty),
                Ok(page) => Ok(Arc::new(page)),
                Err(e) => Err(Unshared::Failed(e)),
            }
        };
        match self.shared.entry(key).or_try_insert_with(read).await {
            Ok(page) => {
                self.pages_shared.inc_by(u64::from(!page.is_fresh()));
                Ok(page.into_value())
            }
            Err(e) => match &*e {
                // It may have been read before this client subscribed.
                Unshared::Empty => Ok(Arc::new(self.read(store, dialect, ch, after, limit).await?)),
                Unshared::Failed(e) => Err(e.clone()),
            },
        }
    }

    /// Frees the pages that are too old, again and again: the cache does it only while it is in use.
    pub async fn free_regularly(&self) {
        loop {
            tokio::time::sleep(FREE_INTERVAL).await;
            self.shared.run_pending_tasks().await;
        }
    }
}
