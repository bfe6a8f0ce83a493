//! Starts all clients, waits until they have caught up, and ends them.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::Result;
use seamline_test_support::link::Link;
use tokio::runtime;
use tokio::sync::watch;
use tokio::task::{JoinHandle, spawn_blocking};
use tokio::time::Instant;

use crate::client::{self, Commands, Progress, Setup, Sleep};
use crate::random::Random;
use crate::record::Record;

/// All clients.
pub struct Clients {
    tasks: Vec<JoinHandle<Result<Record>>>,
    progress: Vec<watch::Receiver<Progress>>,
    publishing: Arc<AtomicBool>,
    ending: watch::Sender<bool>,
}

/// One in this many clients is suspended for long, again and again.
const SUSPENDED_OF: u64 = 8;

/// Starts the clients, each on a quarter of the channels. Some are suspended for `sleep_time` now and then.
pub fn start_all(
    count: u64,
    channels: u64,
    sleep_time: Duration,
    server: SocketAddr,
    rng: &mut Random,
) -> Result<Clients> {
    let publishing = Arc::new(AtomicBool::new(true));
    let ending = watch::Sender::new(false);
    let (mut tasks, mut progress) = (Vec::new(), Vec::new());
    for number in 0..count {
        let first = rng.between(0, channels);
        let mine = (0..channels.div_ceil(4)).map(|i| (first + i * 3) % channels).collect::<Vec<_>>();
        let (sender, receiver) = watch::channel(Progress::default());
        let is_suspended = number % SUSPENDED_OF == 0;
        let sleep = is_suspended.then(|| Link::to(server).map(|link| Sleep { time: sleep_time, link }));
        let sleep = sleep.transpose()?;
        let setup = Setup {
            number: number as u32,
            server: sleep.as_ref().map_or(server, |sleep| sleep.link.address),
            channels,
            mine,
            sleep,
            rng: Random::new(rng.next()),
            progress: sender,
        };
        let commands = Commands { publishing: Arc::clone(&publishing), ending: ending.subscribe() };
        tasks.push(match is_suspended {
            true => spawn_blocking(|| alone(setup, commands)),
            false => tokio::spawn(client::run(setup, commands)),
        });
        progress.push(receiver);
    }
    Ok(Clients { tasks, progress, publishing, ending })
}

/// Runs a client on this thread, where nothing else runs.
fn alone(setup: Setup, commands: Commands) -> Result<Record> {
    let runtime = runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(client::run(setup, commands))
}

impl Clients {
    /// From now on no client publishes, and none is suspended.
    pub fn stop_publishing(&self) {
        self.publishing.store(false, Ordering::Relaxed);
    }

    /// Waits until all clients have all messages. Returns how many do not when the time is over.
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
                let is_current =
                    |(ch, position): (&u64, &(String, u64))| heads.get(*ch as usize) == Some(position);
                progress.unanswered > 0 || !progress.positions.iter().all(is_current)
            };
            let left = self.progress.iter().filter(|progress| behind(progress)).count();
            if left == 0 || start.elapsed() > limit {
                return Ok(left);
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }

    /// Ends the clients and returns their records. A client that panicked is an error.
    pub async fn end(self) -> Result<Vec<Record>> {
        self.ending.send_replace(true);
        let mut records = Vec::new();
        for task in self.tasks {
            records.push(task.await??);
        }
        Ok(records)
    }
}
