//! SIGHUP: reads the files again that may be replaced while the server runs.

use std::sync::Arc;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tracing::{error, info, warn};

use super::tls::Tls;
use crate::auth::Auth;

/// Reloads the token keys and the certificate on SIGHUP. Without such files it is caught as well: otherwise
/// `systemctl reload` would end the process without a drain. Needs the runtime.
pub fn on_hangup(auth: Arc<Auth>, tls: Option<Arc<Tls>>) {
    match signal(SignalKind::hangup()) {
        Ok(hangup) => drop(tokio::spawn(reload(auth, tls, hangup))),
        Err(e) => warn!("cannot catch SIGHUP: {e}; restart the server to make it read new files"),
    }
}

async fn reload(auth: Arc<Auth>, tls: Option<Arc<Tls>>, mut hangup: Signal) {
    while hangup.recv().await.is_some() {
        let results =
            [("certificate", tls.as_ref().map(|tls| tls.reload())), ("token key", auth.load_keys().await)];
        if results.iter().all(|(_, result)| result.is_none()) {
            info!("SIGHUP: nothing to reload; none of --tls-cert, --token-key and --token-jwks-url is set");
        }
        for (what, result) in results {
            match result {
                Some(Ok(())) => info!("SIGHUP: reloaded the {what}"),
                Some(Err(e)) => error!("SIGHUP: kept the old {what}: {e}"),
                None => {}
            }
        }
    }
}
