//! SIGHUP: files that are replaced while the server runs are read again.

use std::sync::Arc;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tracing::{error, info, warn};

use crate::auth::Auth;
use crate::net::tls::Tls;

/// From now on reads the keys of tokens and the certificate again on SIGHUP. It is caught also where there are no such
/// files: else `systemctl reload` would end the process, without a drain. Needs the runtime.
pub fn on_hangup(auth: Arc<Auth>, tls: Option<Arc<Tls>>) {
    match signal(SignalKind::hangup()) {
        Ok(hangup) => drop(tokio::spawn(reload(auth, tls, hangup))),
        Err(e) => warn!("SIGHUP cannot be caught here ({e}): new files take a restart"),
    }
}

async fn reload(auth: Arc<Auth>, tls: Option<Arc<Tls>>, mut hangup: Signal) {
    while hangup.recv().await.is_some() {
        let read =
            [("the certificate", tls.as_ref().map(|tls| tls.reload())), ("the token key", auth.reload())];
        if read.iter().all(|(_, done)| done.is_none()) {
            info!("SIGHUP: there is nothing to read again, neither --tls-cert nor --token-key is given");
        }
        for (what, done) in read {
            if let Some(done) = done {
                tell(what, done);
            }
        }
    }
}

fn tell(what: &str, done: Result<(), String>) {
    match done {
        Ok(()) => info!("SIGHUP: {what} was read again"),
        Err(problem) => error!("SIGHUP: {what} stays as it was: {problem}"),
    }
}
