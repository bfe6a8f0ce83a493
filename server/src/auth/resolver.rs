//! Looks up the address of a service, one lookup at a time.
//!
//! A lookup blocks a thread, and cannot be canceled. It takes long if the name servers do not answer. With one lookup
//! for each question, they would soon take all the threads, and leave none for reads of the log, which run there too.

use std::future::Future;
use std::io;
use std::net::{SocketAddr, ToSocketAddrs};
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::vec::IntoIter;

use hyper_util::client::legacy::connect::dns::Name;
use tokio::sync::watch;
use tower_service::Service;

type Addresses = Result<Vec<SocketAddr>, Arc<io::Error>>;
type Lookup = dyn Fn(&str) -> io::Result<Vec<SocketAddr>> + Send + Sync;

/// See the module. It looks up one name, because each service has a client of its own.
#[derive(Clone)]
pub struct Resolver {
    lookup: Arc<Lookup>,
    /// The last lookup. It has ended when its sender is gone.
    latest: Arc<Mutex<Option<watch::Receiver<Option<Addresses>>>>>,
}

impl Resolver {
    /// Asks the operating system.
    pub fn new() -> Resolver {
        // The port is not looked up: the connector takes the URL's.
        Resolver::with(|name| Ok((name, 0).to_socket_addrs()?.collect()))
    }

    fn with(lookup: impl Fn(&str) -> io::Result<Vec<SocketAddr>> + Send + Sync + 'static) -> Resolver {
        Resolver { lookup: Arc::new(lookup), latest: Arc::default() }
    }

    /// Joins the running lookup, or starts one.
    fn join(&self, name: Name) -> watch::Receiver<Option<Addresses>> {
        let mut latest = self.latest.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(running) = latest.as_ref().filter(|running| running.has_changed().is_ok()) {
            return running.clone();
        }
        let (found, receiver) = watch::channel(None);
        let lookup = self.lookup.clone();
        tokio::task::spawn_blocking(move || {
            found.send_replace(Some(lookup(name.as_str()).map_err(Arc::new)));
        });
        latest.insert(receiver).clone()
    }
}

impl Service<Name> for Resolver {
    type Response = IntoIter<SocketAddr>;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<IntoIter<SocketAddr>>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, name: Name) -> Self::Future {
        let mut found = self.join(name);
        Box::pin(async move {
            let found = found.wait_for(Option::is_some).await.map_err(io::Error::other)?.clone();
            match found {
                Some(Ok(addresses)) => Ok(addresses.into_iter()),
                Some(Err(e)) => Err(io::Error::other(e)),
                None => Err(io::Error::other("the lookup ended without an answer")),
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::sync::mpsc;
    use std::time::Duration;

    use futures::FutureExt;
    use futures::future::join_all;

    use super::*;

    /// Counts its lookups. Each of them runs until it gets its answer.
    fn slow() -> (Resolver, Arc<AtomicUsize>, mpsc::Sender<Vec<SocketAddr>>) {
        let (answer, answers) = mpsc::channel();
        let (begun, answers) = (Arc::new(AtomicUsize::new(0)), Mutex::new(answers));
        let count = begun.clone();
        let resolver = Resolver::with(move |_| {
            count.fetch_add(1, Ordering::SeqCst);
            answers.lock().unwrap().recv_timeout(Duration::from_secs(30)).map_err(io::Error::other)
        });
        (resolver, begun, answer)
    }

    fn call(resolver: &Resolver) -> <Resolver as Service<Name>>::Future {
        resolver.clone().call("service.example".parse().unwrap())
    }

    #[tokio::test]
    async fn there_is_one_lookup_even_if_nobody_waits_for_it() {
        let (resolver, begun, answer) = slow();
        let address: SocketAddr = "192.0.2.1:0".parse().unwrap();
        let mut given_up = call(&resolver);
        assert!((&mut given_up).now_or_never().is_none());
        drop(given_up);
        let all: Vec<_> = (0..64).map(|_| call(&resolver)).collect();
        answer.send(vec![address]).unwrap();
        for found in join_all(all).await {
            assert_eq!(found.unwrap().collect::<Vec<_>>(), [address]);
        }
        assert_eq!(begun.load(Ordering::SeqCst), 1);
    }

    #[tokio::test]
    async fn a_finished_lookup_is_not_reused() {
        let (resolver, _, answer) = slow();
        for address in ["192.0.2.1:0", "192.0.2.2:0"] {
            let address: SocketAddr = address.parse().unwrap();
            answer.send(vec![address]).unwrap();
            assert_eq!(call(&resolver).await.unwrap().collect::<Vec<_>>(), [address]);
            // The lookup reports what it found just before it ends.
            while resolver.latest.lock().unwrap().as_ref().unwrap().has_changed().is_ok() {
                tokio::task::yield_now().await;
            }
        }
    }

    #[tokio::test]
    async fn an_unknown_name_is_an_error() {
        let resolver = Resolver::with(|_| Err(io::Error::other("no such name")));
        assert!(call(&resolver).await.unwrap_err().to_string().contains("no such name"));
    }
}
