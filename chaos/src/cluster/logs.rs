//! Reads the channels' logs over HTTP.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use seamline::wire::MessageId;
use serde::{Deserialize, Serialize};

use super::{Cluster, channel_name};
use crate::record::Key;

/// How long the log may take to come back.
const READ_TIMEOUT: Duration = Duration::from_secs(60);
const RETRY_PAUSE: Duration = Duration::from_millis(100);

/// A channel's log at the end of the run.
#[derive(Debug, Default)]
pub struct ChannelLog {
    pub epoch: String,
    pub first: u64,
    pub head: u64,
    /// Offset, id and key, in log order.
    pub messages: Vec<(u64, MessageId, Key)>,
}

#[derive(Deserialize)]
struct Page {
    epoch: String,
    first: u64,
    head: u64,
    messages: Vec<Message>,
}

#[derive(Deserialize)]
struct Message {
    offset: u64,
    id: MessageId,
    data: Payload,
}

/// What the clients publish.
#[derive(Deserialize, Serialize)]
pub struct Payload {
    pub key: String,
}

impl Cluster {
    /// The epochs and heads of all channels.
    pub async fn heads(&self, channels: u64) -> Result<Vec<(String, u64)>> {
        let mut heads = Vec::new();
        for number in 0..channels {
            let page = self.page(number, u64::MAX - 1).await?;
            heads.push((page.epoch, page.head));
        }
        Ok(heads)
    }

    /// The logs of all channels.
    pub async fn logs(&self, channels: u64) -> Result<Vec<ChannelLog>> {
        let mut logs = Vec::new();
        for number in 0..channels {
            logs.push(self.log(number).await?);
        }
        Ok(logs)
    }

    async fn log(&self, number: u64) -> Result<ChannelLog> {
        let mut log = ChannelLog::default();
        let mut after = 0;
        loop {
            let page = self.page(number, after).await?;
            (log.epoch, log.first, log.head) = (page.epoch, page.first, page.head);
            for Message { offset, id, data } in page.messages {
                log.messages.push((offset, id, data.key.parse().map_err(anyhow::Error::msg)?));
            }
            let last = log.messages.last().map_or(0, |(offset, ..)| *offset);
            if last >= page.head {
                return Ok(log);
            }
            ensure!(
                last > after,
                "{}: the log ends at offset {after}, before its head",
                channel_name(number)
            );
            after = last;
        }
    }

    /// Reads from the first node, not over its link.
    async fn page(&self, number: u64, after: u64) -> Result<Page> {
        let (port, ch) = (self.nodes[0].process.port, channel_name(number));
        let url = format!("http://127.0.0.1:{port}/channels/{ch}/messages?after={after}&limit=1000");
        let start = Instant::now();
        loop {
            let url = url.clone();
            let read =
                tokio::task::spawn_blocking(move || ureq::get(url).call()?.body_mut().read_json::<Page>());
            match read.await? {
                Ok(page) => return Ok(page),
                Err(e) if start.elapsed() > READ_TIMEOUT => return Err(e).context("cannot read the log"),
                Err(_) => {} // the log may just be coming back
            }
            tokio::time::sleep(RETRY_PAUSE).await;
        }
    }
}
