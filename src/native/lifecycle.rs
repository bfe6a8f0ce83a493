//! Events of the machine and of the runtime: the machine has slept, or the runtime has shut down.

use std::time::Duration;

use tokio::sync::oneshot;

use super::clock::Clock;
use super::runtime::Runtime;
use crate::client::platform::PageEvent;

/// How often the clock is checked: after the machine has slept, the client notices that within this time.
const CHECK_MS: u64 = 5_000;
/// A check that is later than this means that the machine or the process has slept.
const SLEPT_MS: u64 = 2_000;

/// Watches until it is dropped.
pub(crate) struct Lifecycle {
    _watched: oneshot::Sender<()>,
}

impl Lifecycle {
    /// Reports in a task.
    pub fn watch(runtime: &Runtime, report: impl Fn(PageEvent) + Send + Sync + 'static) -> Self {
        Lifecycle::check_every(CHECK_MS, runtime, report)
    }

    fn check_every(
        check_ms: u64,
        runtime: &Runtime,
        report: impl Fn(PageEvent) + Send + Sync + 'static,
    ) -> Self {
        let (watched, unwatched) = oneshot::channel();
        let mut ended = Ended(Some(report));
        runtime.spawn(async move {
            tokio::select! {
                () = check(check_ms, &ended) => {}
                _ = unwatched => {}
            }
            ended.dismiss();
        });
        Lifecycle { _watched: watched }
    }
}

/// Reports the end of the runtime, which drops its tasks.
struct Ended<F: Fn(PageEvent)>(Option<F>);

impl<F: Fn(PageEvent)> Ended<F> {
    fn dismiss(&mut self) {
        self.0 = None;
    }
}

impl<F: Fn(PageEvent)> Drop for Ended<F> {
    fn drop(&mut self) {
        if let Some(report) = &self.0 {
            report(PageEvent::Ended);
        }
    }
}

/// The system's timers do not run while the machine sleeps, so a heartbeat that is due in 20 s is due 20 s after it
/// wakes up. But the clock shows the sleep.
async fn check<F: Fn(PageEvent)>(check_ms: u64, ended: &Ended<F>) {
    let clock = Clock::new();
    loop {
        let due = clock.now().after_ms(check_ms);
        tokio::time::sleep(Duration::from_millis(check_ms)).await;
        if let Some(report) = ended.0.as_ref().filter(|_| clock.now().ms_since(due) > SLEPT_MS) {
            report(PageEvent::Wake);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;
    use std::thread;

    use super::super::runtime::Settings;
    use super::*;

    fn runtime() -> tokio::runtime::Runtime {
        tokio::runtime::Builder::new_current_thread().enable_all().build().expect("it starts")
    }

    /// Watches in a runtime, and checks often.
    fn watch(runtime: &tokio::runtime::Runtime) -> (Lifecycle, mpsc::Receiver<PageEvent>) {
        let (sender, events) = mpsc::channel();
        let _entered = runtime.enter();
        let here = Runtime::current(&Settings::default()).expect("there is one");
        let report = move |event| sender.send(event).unwrap_or_default();
        (Lifecycle::check_every(10, &here, report), events)
    }

    #[test]
    fn a_process_that_slept_is_woken_up() {
        let runtime = runtime();
        let (_lifecycle, events) = watch(&runtime);
        runtime.block_on(async {
            tokio::time::sleep(Duration::from_millis(50)).await;
            assert!(events.try_recv().is_err(), "it does not sleep yet");
            thread::sleep(Duration::from_millis(SLEPT_MS + 100));
            tokio::time::sleep(Duration::from_millis(50)).await;
        });
        assert!(matches!(events.try_recv(), Ok(PageEvent::Wake)));
    }

    #[test]
    fn only_the_end_of_the_runtime_is_reported() {
        let first = runtime();
        let (lifecycle, events) = watch(&first);
        drop(first);
        assert!(matches!(events.try_recv(), Ok(PageEvent::Ended)));
        drop(lifecycle);

        let second = runtime();
        let (lifecycle, events) = watch(&second);
        drop(lifecycle);
        second.block_on(tokio::task::yield_now());
        drop(second);
        assert!(events.try_recv().is_err(), "nobody watches any more");
    }
}
