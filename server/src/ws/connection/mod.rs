//! One socket, from `hello` to close: reads the client's frames, and acts on them.

mod acks;
mod end;
mod heartbeat;
mod hello;
mod incoming;
mod plain;
mod publications;
mod subscriptions;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use seamline::wire::close;
use tokio::sync::{Notify, watch};
use tokio::task::JoinHandle;
use tokio::time::{Instant, MissedTickBehavior, interval, timeout};
use tracing::info;

use self::acks::Acks;
use self::end::{End, finish};
use self::heartbeat::Heartbeat;
use self::hello::Hello;
use self::plain::PlainChannel;
use self::publications::{PublicationOrder, Publisher};
use self::subscriptions::Subscription;
use super::dialect::frames::ToClient;
use super::dialect::request::DialectRequest;
use super::progress::Progress;
use super::socket::{Input, Output};
use super::writer::Outgoing;
use crate::auth::User;
use crate::limits::connections::ConnectionGuard;
use crate::limits::rate::RateLimit;
use crate::log::Owner;
use crate::net::shutdown::Drain;
use crate::state::App;

/// How often acknowledged positions are stored.
const STORE_INTERVAL: Duration = Duration::from_secs(5);
/// How long a closing connection waits for its publications to be answered.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(2);

/// Serves a socket until it closes. What happens once, or rarely, is boxed here and below: otherwise the task of every
/// idle connection would reserve memory for it.
pub(super) async fn serve(
    app: Arc<App>,
    (mut input, out, writer): (Input, Outgoing, JoinHandle<Output>),
    progress: Arc<Progress>,
    mut guard: ConnectionGuard,
    request: DialectRequest,
) {
    let session = crate::random::name();
    let mut draining = app.draining.clone();
    let greeting = match &request {
        DialectRequest::Seamline => tokio::select! {
            greeting = Box::pin(hello::greet(&app, &mut input, &out, &session, &mut guard)) => greeting,
            _ = drain_requested(&mut draining) => Err(restarting()),
        },
        DialectRequest::Plain(request) => hello::admit(&app, request, &mut guard),
    };
    let end = match greeting {
        Ok(hello) => {
            info!(session, client = hello.owner.client_id, user = hello.user.name, "connected");
            let mut connection = Connection::new(app, &guard, hello, out.clone(), progress);
            let end = match Box::pin(connection.open(request)).await {
                Ok(()) => connection.run(&mut input).await,
                Err(end) => end,
            };
            Box::pin(connection.leave(&end)).await;
            end
        }
        Err(end) => end,
    };
    info!(session, ?end, "disconnected");
    Box::pin(finish(end, input, out, writer)).await;
    drop(guard); // not before: a drain waits until the close has been sent
}

fn restarting() -> End {
    End::close(close::SERVICE_RESTART, "the server restarts")
}

/// Returns when a drain is requested.
async fn drain_requested(draining: &mut watch::Receiver<Option<Drain>>) -> Drain {
    let drain = draining.wait_for(Option::is_some).await.ok().and_then(|drain| *drain);
    drain.unwrap_or(Drain::of(0)) // no sender: the server has stopped
}

struct Connection {
    app: Arc<App>,
    number: u64,
    disconnect: Arc<Notify>,
    owner: Arc<Owner>,
    user: User,
    out: Outgoing,
    /// Made by the first publication. Most clients only listen.
    publisher: Option<Box<Publisher>>,
    order: PublicationOrder,
    subscriptions: HashMap<String, Subscription>,
    acks: Acks,
    rate_limit: RateLimit,
    plain: Option<Box<PlainChannel>>,
    heartbeat: Heartbeat,
}

impl Connection {
    fn new(
        app: Arc<App>,
        guard: &ConnectionGuard,
        hello: Hello,
        out: Outgoing,
        progress: Arc<Progress>,
    ) -> Self {
        let Hello { owner, user, ordered } = hello;
        let owner = Arc::new(owner);
        let acks = Acks::new(owner.clone(), app.config.max_channels as usize);
        let rate_limit = RateLimit::new(app.config.max_publishes_per_second, Instant::now());
        Connection {
            app,
            number: guard.number,
            disconnect: guard.disconnect.clone(),
            owner,
            user,
            out,
            publisher: None,
            order: PublicationOrder::new(ordered),
            subscriptions: HashMap::new(),
            acks,
            rate_limit,
            plain: None,
            heartbeat: Heartbeat::new(progress),
        }
    }

    async fn run(&mut self, input: &mut Input) -> End {
        let mut heartbeats = interval(Duration::from_millis(self.app.config.heartbeat_ms));
        heartbeats.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut stores = interval(STORE_INTERVAL);
        let mut draining = self.app.draining.clone();
        let (disconnect, out) = (self.disconnect.clone(), self.out.clone());
        loop {
            let step = tokio::select! {
                item = input.next() => self.receive(item).await,
                _ = stores.tick() => { self.store_acks().await; Ok(()) }
                _ = heartbeats.tick() => self.beat(),
                () = self.user.expired() => Err(End::close(close::UNAUTHORIZED, "token expired")),
                drain = drain_requested(&mut draining) => Box::pin(self.drain(drain)).await,
                () = disconnect.notified() => Err(End::Abort),
                () = out.gone() => Err(End::Gone),
            };
            if let Err(end) = step {
                return end;
            }
        }
    }

    /// Ends what belongs to the connection.
    async fn leave(mut self, end: &End) {
        self.subscriptions.clear();
        self.store_acks().await;
        if let Some(publisher) = self.publisher.filter(|_| !matches!(end, End::Abort)) {
            let _ = timeout(ANSWER_TIMEOUT, publisher.finish()).await;
        }
    }

    fn beat(&mut self) -> Result<(), End> {
        if !self.heartbeat.beat() {
            return Err(End::Gone);
        }
        self.out.ping();
        Ok(())
    }

    async fn drain(&mut self, drain: Drain) -> Result<(), End> {
        let reconnect_in_ms = drain.draw_reconnect_in_ms();
        self.out.answer(&ToClient::Drain { reconnect_in_ms }).await?;
        Err(restarting())
    }
}
