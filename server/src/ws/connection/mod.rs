//! One socket, from `hello` to close: reads the client's frames, and acts on them.

mod acks;
mod end;
mod heartbeat;
mod hello;
mod incoming;
mod plain;
mod publications;
mod reads;
mod subscriptions;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use hyper::upgrade::Upgraded;
use seamline::wire::close;
use tokio::sync::{Notify, watch};
use tokio::task::JoinHandle;
use tokio::time::{Instant, MissedTickBehavior, interval, timeout};
use tracing::info;

use self::acks::Acks;
use self::end::{End, finish};
use self::heartbeat::Heartbeat;
use self::hello::Hello;
use self::incoming::classify;
use self::plain::PlainChannel;
use self::publications::{PublicationOrder, Publisher};
use self::reads::Reads;
use self::subscriptions::Subscription;
use super::dialect::frames::ToClient;
use super::dialect::request::DialectRequest;
use super::progress::Progress;
use super::socket::{self, Input, Output};
use super::writer::{self, Outgoing};
use crate::auth::User;
use crate::limits::connections::ConnectionGuard;
use crate::limits::rate::RateLimit;
use crate::log::Owner;
use crate::net::shutdown::Drain;
use crate::state::App;

/// How long a closing connection waits for its publications to be answered.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(2);

/// A request that becomes a connection.
pub(super) struct Accepted {
    pub app: Arc<App>,
    pub guard: ConnectionGuard,
    pub request: DialectRequest,
}

/// The two directions of its socket.
struct Socket {
    input: Input,
    out: Outgoing,
    writer: JoinHandle<Output>,
}

/// Serves a socket until it closes. What happens once, or rarely, is boxed here and below: otherwise the task of every
/// idle connection would reserve memory for it.
pub(super) async fn serve(mut accepted: Box<Accepted>, upgraded: Upgraded) {
    let progress = Arc::new(Progress::default());
    let mut socket = Box::pin(accepted.open(upgraded, progress.clone())).await;
    let session = crate::random::name();
    let end = match Box::pin(accepted.greet(&mut socket, &session)).await {
        Ok(hello) => {
            info!(session, client = hello.owner.client_id, user = hello.user.name, "connected");
            let mut connection = Box::new(Connection::new(&accepted, hello, socket.out.clone(), progress));
            let end = match Box::pin(connection.open(&accepted.request)).await {
                Ok(()) => connection.run(&mut socket.input).await,
                Err(end) => end,
            };
            Box::pin(connection.leave(&end)).await;
            end
        }
        Err(end) => end,
    };
    info!(session, ?end, "disconnected");
    let Socket { input, out, writer } = socket;
    Box::pin(finish(end, input, out, writer)).await;
    drop(accepted); // not before: a drain waits until the close has been sent
}

impl Accepted {
    async fn open(&self, upgraded: Upgraded, progress: Arc<Progress>) -> Socket {
        let (input, output) = socket::split(upgraded, progress);
        let (out, writer) = writer::spawn(output, self.request.dialect(), &self.app.metrics);
        let input = socket::open(input, out.replies(), self.app.config.max_frame_bytes).await;
        Socket { input, out, writer }
    }

    /// Learns who the client is.
    async fn greet(&mut self, socket: &mut Socket, session: &str) -> Result<Hello, End> {
        let Accepted { app, guard, request } = self;
        let mut draining = app.draining.clone();
        match request {
            DialectRequest::Seamline => tokio::select! {
                greeting = hello::greet(app, &mut socket.input, &socket.out, session, guard) => greeting,
                _ = drain_requested(&mut draining) => Err(restarting()),
            },
            DialectRequest::Plain(request) => hello::admit(app, request, guard),
        }
    }
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
    /// Made by the first `read`.
    reads: Option<Box<Reads>>,
    subscriptions: HashMap<Arc<str>, Subscription>,
    acks: Acks,
    rate_limit: RateLimit,
    plain: Option<Box<PlainChannel>>,
    heartbeat: Heartbeat,
}

impl Connection {
    fn new(accepted: &Accepted, hello: Hello, out: Outgoing, progress: Arc<Progress>) -> Self {
        let Accepted { app, guard, .. } = accepted;
        let Hello { owner, user, ordered } = hello;
        let owner = Arc::new(owner);
        let acks = Acks::new(owner.clone(), app.config.max_channels as usize);
        let rate_limit = RateLimit::new(app.config.max_publishes_per_second, Instant::now());
        Connection {
            app: app.clone(),
            number: guard.number,
            disconnect: guard.disconnect.clone(),
            owner,
            user,
            out,
            publisher: None,
            order: PublicationOrder::new(ordered),
            reads: None,
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
        let mut draining = self.app.draining.clone();
        let (disconnect, out) = (self.disconnect.clone(), self.out.clone());
        loop {
            let step = tokio::select! {
                item = input.next() => self.receive(classify(item, &self.app)).await,
                () = self.acks.due() => { Box::pin(self.store_acks()).await; Ok(()) }
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
    async fn leave(mut self: Box<Self>, end: &End) {
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
