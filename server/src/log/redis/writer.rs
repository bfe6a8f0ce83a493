//! Appends publications in the order in which they were queued.
//!
//! Everything that was queued during the last round trip goes out in one pipeline: one round trip and, with
//! `appendfsync always`, one flush of the disk for all of them.

use std::sync::Arc;

use tokio::sync::{mpsc, oneshot};

use super::broken_channels::{BrokenChannels, Operation};
use super::connection::SharedConnection;
use super::scripts;
use crate::log::{Append, Appended, Retention, StoreError};

/// How many publications are queued before publishers have to wait.
pub(super) const QUEUE_MAX: usize = 512;
/// Maximum number of publications per pipeline.
const GROUP_MAX: usize = 256;
/// Maximum payload bytes per pipeline.
const GROUP_BYTES_MAX: usize = 8 * 1024 * 1024;

pub(super) enum Job {
    Append(Append, Answer),
    /// Answered after everything that was queued before it.
    Stop(oneshot::Sender<()>),
}

type Answer = oneshot::Sender<Result<Appended, StoreError>>;
/// Offset, id, and what became of the key: see `append.lua`.
type Reply = (u64, String, u8);

/// Runs until a `Stop`, or until all senders are gone.
pub(super) async fn run(
    shared: Arc<SharedConnection>,
    broken: Arc<BrokenChannels>,
    retention: Retention,
    mut queue: mpsc::Receiver<Job>,
) {
    while let Some(first) = queue.recv().await {
        let (group, stop) = take_group(first, &mut queue);
        if !group.is_empty() {
            write(&shared, &broken, retention, group).await;
        }
        if let Some(stopped) = stop {
            let _ = stopped.send(());
            return;
        }
    }
}

/// A publisher may be gone before its answer, which is no error. What replicas do not confirm is not acknowledged: a
/// publisher that tries again learns whether it was stored.
async fn write(
    shared: &SharedConnection,
    broken: &BrokenChannels,
    retention: Retention,
    group: Vec<(Append, Answer)>,
) {
    let mut pipe = redis::pipe();
    for (append, _) in &group {
        pipe.add_command(scripts::append(append, retention));
    }
    let run = async { shared.run_all::<Reply>(shared.commands_to_write().await?, &mut pipe).await };
    match run.await {
        Ok(results) => {
            for ((append, answer), result) in group.into_iter().zip(results) {
                let appended = broken.note(&append.ch, Operation::Publish, result.and_then(appended));
                let _ = answer.send(appended);
            }
        }
        Err(e) => group.into_iter().for_each(|(_, answer)| drop(answer.send(Err(e.clone())))),
    }
}

fn appended((offset, id, key): Reply) -> Result<Appended, StoreError> {
    match key {
        2 => Err(StoreError::KeyConflict),
        _ => Ok(Appended { id: super::parse_id(&id)?, offset, duplicate: key == 1 }),
    }
}

/// Takes what is queued, up to the limits or a `Stop`.
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
