//! One socket, from `hello` to close: reads the client's frames, and acts on them.

mod acks;
mod end;
mod events;
mod heartbeat;
mod hello;
mod incoming;
mod plain;
mod publications;
mod reads;
mod subscriptions;

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use hyper::upgrade::Upgraded;
use seamline::wire::close;
use tokio::task::JoinHandle;
use tokio::time::{Instant, Sleep, timeout};
use tracing::{debug, info};

use self::acks::Acks;
use self::end::{End, finish};
use self::heartbeat::Heartbeat;
use self::hello::Hello;
use self::plain::PlainChannel;
use self::publications::{PublicationOrder, Publisher};
use self::reads::Reads;
pub(super) use self::subscriptions::Subscriptions;
use super::dialect::Dialect;
use super::dialect::frames::ToClient;
use super::dialect::request::DialectRequest;
use super::interrupt::Cause;
use super::registry::{Disconnect, Registered};
use super::socket::{self, Input, Output};
use super::writer::{self, Outgoing, Shared};
use crate::auth::User;
use crate::limits::connections::ConnectionGuard;
use crate::limits::rate::RateLimit;
use crate::net::shutdown::Drain;
use crate::refusal::telemetry::Refused;
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
pub(super) fn serve(accepted: Box<Accepted>, upgraded: Upgraded) -> impl Future<Output = ()> {
    let begun = Box::pin(accepted.begin(upgraded));
    async move {
        let Some(mut connection) = begun.await else { return };
        let end = connection.run().await;
        Box::pin(connection.leave(end)).await;
    }
}

impl Accepted {
    /// Opens the socket and greets the client. Returns `None` if the connection has ended.
    async fn begin(self: Box<Self>, upgraded: Upgraded) -> Option<Box<Connection>> {
        let Accepted { app, mut guard, request } = *self;
        let mut socket = open(&app, request.dialect(), upgraded);
        let session = crate::random::name();
        let hello = match greet(&app, &request, &mut guard, &mut socket, &session).await {
            Ok(hello) => hello,
            Err(end) => {
                debug!(session, ?end, "disconnected before the welcome");
                record(&app, &guard, &end);
                finish(end, socket).await;
                drop(guard); // not before: a drain waits until the close has been sent
                return None;
            }
        };
        info!(session, client = hello.owner().client_id, user = &*hello.user.name, "connected");
        let mut connection = Box::new(Connection::new(app, guard, session.into(), hello, socket));
        match connection.open(request).await {
            Ok(()) => Some(connection),
            Err(end) => {
                connection.leave(end).await;
                None
            }
        }
    }
}

fn open(app: &App, dialect: Dialect, upgraded: Upgraded) -> Socket {
    let shared = Arc::new(Shared::new(app.metrics.socket_queue_bytes.clone()));
    let (input, output) = socket::split(upgraded, shared.clone(), app.config.max_frame_bytes);
    let (out, writer) = writer::spawn(output, shared, dialect, &app.metrics);
    Socket { input, out, writer }
}

/// Learns who the client is.
async fn greet(
    app: &App,
    request: &DialectRequest,
    guard: &mut ConnectionGuard,
    socket: &mut Socket,
    session: &str,
) -> Result<Hello, End> {
    let mut phase = app.phase.clone();
    match request {
        DialectRequest::Seamline => tokio::select! {
            greeting = hello::greet(app, &mut socket.input, &socket.out, session, guard) => greeting,
            // The client has not said anything yet.
            _ = phase.wait_for(|phase| phase.drain().is_some()) => Err(restarting()),
        },
        DialectRequest::Plain(request) => hello::admit(app, request, &socket.out, guard).await,
    }
}

/// Counts and logs a connection that ends with a refusal.
fn record(app: &App, guard: &ConnectionGuard, end: &End) {
    let Some((reason, message)) = end.refused() else { return };
    let (message, user) = (message.to_owned(), guard.user().map(str::to_owned));
    app.refusals.record(guard.address, Refused { reason, message, user });
}

fn restarting() -> End {
    End::close(close::SERVICE_RESTART, "the server restarts")
}

struct Connection {
    app: Arc<App>,
    guard: ConnectionGuard,
    /// What it is called in the logs.
    session: Box<str>,
    registered: Registered,
    user: User,
    input: Input,
    out: Outgoing,
    writer: JoinHandle<Output>,
    /// Made by the first publication. Most clients only listen.
    publisher: Option<Box<Publisher>>,
    order: PublicationOrder,
    /// Made by the first `read`.
    reads: Option<Box<Reads>>,
    acks: Acks,
    /// Made by the first publication or cast.
    rate_limit: Option<Box<RateLimit>>,
    plain: Option<Box<PlainChannel>>,
    heartbeat: Heartbeat,
    /// The next look at the expiry of the token.
    expiry_step: Option<Pin<Box<Sleep>>>,
}

impl Connection {
    fn new(app: Arc<App>, guard: ConnectionGuard, session: Box<str>, hello: Hello, socket: Socket) -> Self {
        let Hello { registered, user, ordered } = hello;
        let Socket { input, out, writer } = socket;
        Connection {
            app,
            guard,
            session,
            registered,
            user,
            input,
            out,
            writer,
            publisher: None,
            order: PublicationOrder::new(ordered),
            reads: None,
            acks: Acks::default(),
            rate_limit: None,
            plain: None,
            heartbeat: Heartbeat::default(),
            expiry_step: None,
        }
    }

    /// Ends what belongs to the connection, and closes the socket.
    async fn leave(mut self: Box<Self>, end: End) {
        self.registered.entry.subscriptions.end_all();
        self.store_acks().await;
        if let Some(publisher) = self.publisher.take().filter(|_| !matches!(end, End::Abort)) {
            let _ = timeout(ANSWER_TIMEOUT, publisher.finish()).await;
        }
        info!(session = self.session, ?end, "disconnected");
        record(&self.app, &self.guard, &end);
        let (socket, guard) = self.into_socket();
        finish(end, socket).await;
        drop(guard); // not before: a drain waits until the close has been sent
    }

    /// Takes a token of the rate limit; otherwise, returns how long to wait for one.
    fn take_token(&mut self) -> Result<(), Duration> {
        let (now, max) = (Instant::now(), self.app.config.max_publishes_per_second);
        self.rate_limit.get_or_insert_with(|| Box::new(RateLimit::new(max, now))).take(now)
    }

    /// Drops everything else.
    fn into_socket(self) -> (Socket, ConnectionGuard) {
        (Socket { input: self.input, out: self.out, writer: self.writer }, self.guard)
    }

    /// Ends it for this cause.
    async fn end(&mut self, cause: Cause) -> Result<(), End> {
        match cause {
            Cause::Gone => Err(End::Gone),
            Cause::Disconnect(how) => self.disconnect(how).await,
            Cause::Drain(drain) => self.drain(drain).await,
        }
    }

    async fn disconnect(&mut self, how: Disconnect) -> Result<(), End> {
        let Disconnect::Close { code, reason, reconnect_in_ms } = how else { return Err(End::Abort) };
        if let Some(reconnect_in_ms) = reconnect_in_ms {
            self.out.answer(&ToClient::Drain { reconnect_in_ms }).await?;
        }
        Err(End::close(code, reason))
    }

    async fn drain(&mut self, drain: Drain) -> Result<(), End> {
        let reconnect_in_ms = drain.draw_reconnect_in_ms();
        self.out.answer(&ToClient::Drain { reconnect_in_ms }).await?;
        Err(restarting())
    }
}
