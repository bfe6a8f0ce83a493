//! The tokio runtime that a client lives in: its tasks, and its one timer.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::task::AbortHandle;
use tokio_rustls::rustls::ClientConfig;

use crate::core::Error;
use crate::wire::code;

/// What a native client can be given in addition to a client in a page.
#[derive(Clone, Debug, Default)]
pub(crate) struct Settings {
    /// Or what the operating system trusts.
    pub tls: Option<Arc<ClientConfig>>,
}

/// Where the tasks of a client run.
#[derive(Clone)]
pub(crate) struct Runtime {
    handle: Handle,
    tls: Option<Arc<ClientConfig>>,
}

impl Runtime {
    /// The runtime of the caller.
    pub fn current(settings: &Settings) -> Result<Self, Error> {
        let handle = Handle::try_current().map_err(|_| {
            let message = "there is no tokio runtime here: connect inside one, such as in a function with #[tokio::main]";
            Error::new(code::NOT_SUPPORTED, message)
        })?;
        Ok(Runtime { handle, tls: settings.tls.clone() })
    }

    /// Runs a task. If the runtime has shut down, the task is dropped.
    pub fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        drop(self.handle.spawn(task));
    }

    /// Runs a task that can be ended.
    pub(super) fn start(&self, task: impl Future<Output = ()> + Send + 'static) -> AbortHandle {
        self.handle.spawn(task).abort_handle()
    }

    pub(super) fn tls(&self) -> Option<Arc<ClientConfig>> {
        self.tls.clone()
    }
}

/// Calls a function later. Dropping it cancels that.
pub(crate) struct Timer(AbortHandle);

impl Timer {
    /// Calls `fire` after this time.
    pub fn start(runtime: &Runtime, wait_ms: u32, fire: impl FnOnce() + Send + 'static) -> Self {
        Timer(runtime.start(async move {
            tokio::time::sleep(Duration::from_millis(wait_ms.into())).await;
            fire();
        }))
    }
}

impl Drop for Timer {
    fn drop(&mut self) {
        self.0.abort(); // inside `fire`, this changes nothing: the task does not wait any more
    }
}
