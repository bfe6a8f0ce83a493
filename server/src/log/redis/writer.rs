//! Hands publications to Redis in the order in which they came.
//!
//! What has gathered while the last group was on its way goes out together, in one pipeline: one round
//! trip and, with `appendfsync always`, one flush of its disk for all of them.

use std::sync::Arc;

use tokio::sync::{mpsc, oneshot};

use super::broken::{BrokenChannels, Use};
use super::link::Link;
use super::scripts;
use crate::log::{Append, Appended, Retention, StoreError};

/// How many publications may wait; then publishers wait.
pub(super) const QUEUE_MAX: usize = 512;
/// How many go out together.
const GROUP_MAX: usize = 256;
/// How many bytes of payload go out together.
const GROUP_BYTES_MAX: usize = 8 * 1024 * 1024;

pub(super) enum Job {
    Append(Append, Answer),
    /// Answered when all that came before has been.
    Stop(oneshot::Sender<()>),
}

type Answer = oneshot::Sender<Result<Appended, StoreError>>;
/// Offset, id, whether it is a duplicate.
type Reply = (u64, String, u8);

/// Runs until it is told to stop, or until nobody is left to send it anything.
pub(super) async fn run(
    link: Arc<Link>,
    broken: Arc<BrokenChannels>,
    retention: Retention,
    mut queue: mpsc::Receiver<Job>,
) {
    while let Some(first) = queue.recv().await {
        let (group, stop) = take_group(first, &mut queue);
        if !group.is_empty() {
            write(&link, &broken, retention, group).await;
        }
        if let Some(stopped) = stop {
            let _ = stopped.send(());
            return;
        }
    }
}

/// Publishers that have gone do not wait for their answer: that is no error.
async fn write(link: &Link, broken: &BrokenChannels, retention: Retention, group: Vec<(Append, Answer)>) {
    let mut pipe = redis::pipe();
    for (append, _) in &group {
        pipe.add_command(scripts::append(append, retention));
    }
    let results = match link.commands_to_write().await {
        Ok(commands) => link.run_all::<Reply>(commands, &mut pipe).await,
        Err(e) => Err(e),
    };
    match results {
        Ok(results) => {
            for ((append, answer), result) in group.into_iter().zip(results) {
                let appended = broken.note(&append.ch, Use::Publish, result.and_then(appended));
                let _ = answer.send(appended);
            }
        }
        Err(e) => group.into_iter().for_each(|(_, answer)| drop(answer.send(Err(e.clone())))),
    }
}

fn appended((offset, id, duplicate): Reply) -> Result<Appended, StoreError> {
    Ok(Appended { id: super::parse_id(&id)?, offset, duplicate: duplicate == 1 })
}

/// Takes what is waiting, up to the limits, or up to the order to stop.
fn take_group(
    first: Job,
    queue: &mut mpsc::Receiver<Job>,
) -> (Vec<(Append, Answer)>, Option<oneshot::Sender<()>>) {
    let mut group = Vec::new();
    let mut bytes = 0;
    let mut next = Some(first);
    while let Some(job) = next {
        match job {
            Job::Stop(stopped) => return (group, Some(stopped)),
            Job::Append(append, answer) => {
                bytes += append.data.len();
                group.push((append, answer));
            }
        }
        let room = group.len() < GROUP_MAX && bytes < GROUP_BYTES_MAX;
        next = if room { queue.try_recv().ok() } else { None };
    }
    (group, None)
}
