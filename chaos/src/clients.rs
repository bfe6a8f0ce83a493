//! All clients, and waiting for them.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::Result;
use tokio::sync::watch;
use tokio::time::Instant;

use crate::client::{Client, Progress};
use crate::random::Random;
use crate::record::Record;

/// All clients.
pub struct Clients {
    tasks: Vec<tokio::task::JoinHandle<Record>>,
    progress: Vec<watch::Receiver<Progress>>,
    publishing: Arc<AtomicBool>,
    ending: watch::Sender<bool>,
}

/// One in so many clients is away for long, again and again.
const SLEEPERS: u64 = 8;

/// Starts them, each on a quarter of the channels. Some sleep now and then, for so long.
pub fn start_all(count: u64, channels: u64, nap: Duration, urls: &[String], rng: &mut Random) -> Clients {
    let publishing = Arc::new(AtomicBool::new(true));
    let ending = watch::Sender::new(false);
    let (mut tasks, mut progress) = (Vec::new(), Vec::new());
    for number in 0..count {
        let first = rng.between(0, channels);
        let mine = (0..channels.div_ceil(4)).map(|i| (first + i * 3) % channels).collect::<Vec<_>>();
        let (sender, receiver) = watch::channel(Progress::default());
        let mut client = Client::new(number as u32, urls.to_vec(), Random::new(rng.next()), sender);
        client.subscribe(&mine);
        let naps = (number % SLEEPERS == 0).then_some(nap);
        tasks.push(tokio::spawn(client.run(channels, naps, publishing.clone(), ending.subscribe())));
        progress.push(receiver);
    }
    Clients { tasks, progress, publishing, ending }
}

impl Clients {
    pub fn stop_publishing(&self) {
        self.publishing.store(false, Ordering::Relaxed);
    }

    /// Waits until everyone has everything; returns how many have not, in the end.
    pub async fn caught_up<F: Future<Output = Result<Vec<(String, u64)>>>>(
        &self,
        heads: impl Fn() -> F,
        limit: Duration,
    ) -> Result<usize> {
        let start = Instant::now();
        loop {
            let heads = heads().await?;
            let behind = |progress: &watch::Receiver<Progress>| {
                let progress = progress.borrow();
                let there =
                    |(ch, position): (&u64, &(String, u64))| heads.get(*ch as usize) == Some(position);
                progress.unanswered > 0 || !progress.positions.iter().all(there)
            };
            let left = self.progress.iter().filter(|progress| behind(progress)).count();
            if left == 0 || start.elapsed() > limit {
                return Ok(left);
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }

    pub async fn end(self) -> Vec<Record> {
        self.ending.send_replace(true);
        let mut records = Vec::new();
        for task in self.tasks {
            records.extend(task.await.ok()); // one that panicked is missed by the check, which counts them
        }
        records
    }
}
