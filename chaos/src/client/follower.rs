//! What the application observes on one channel.

use anyhow::{Context, Result};
use futures::StreamExt;
use seamline::{Channel, Item};
use tokio::sync::watch;

use super::Progress;
use crate::cluster::Payload;
use crate::record::{Observed, now_ms};

/// Follows a channel, and processes each item at once.
pub async fn follow(
    mut channel: Channel,
    ch: u64,
    progress: watch::Sender<Progress>,
    mut ending: watch::Receiver<bool>,
) -> Result<Vec<Observed>> {
    let mut observed = Vec::new();
    loop {
        let item = tokio::select! {
            item = channel.next() => item.context("a channel ended")?,
            _ = ending.wait_for(|ending| *ending) => return Ok(observed),
        };
        if observed.is_empty()
            && let Some(position) = channel.position()
        {
            observed.push(Observed::Attached(position, now_ms())); // it is not moved by the first item yet
        }
        channel.commit();
        let position = channel.position().context("an item came before the first position")?;
        let (epoch, offset) = (position.epoch.clone(), position.offset);
        match item {
            Item::Message(message) => {
                let key = message.json::<Payload>()?.key.parse().map_err(anyhow::Error::msg)?;
                observed.push(Observed::Message(message.offset, message.id.parse()?, key));
            }
            Item::Gap(gap) => observed.push(Observed::Gap(gap, position, now_ms())),
            _ => {}
        }
        progress.send_modify(|progress| {
            progress.positions.insert(ch, (epoch, offset));
        });
    }
}
