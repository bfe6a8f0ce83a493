//! One socket, from `hello` to close: reads the client's frames and acts on them.

mod acks;
pub(super) mod end;
mod held;
mod hello;
pub(super) mod incoming;
mod plain;
pub(super) mod progress;
mod publications;
mod publisher;
mod subscriptions;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use futures::stream::SplitStream;
use seamline::wire::{ClientFrame, Position, StartAt, close};
use tokio::sync::{Notify, watch};
use tokio::time::{Instant, MissedTickBehavior, interval, timeout};
use tokio_tungstenite::tungstenite::{Error as WsError, Message as Wire};
use tracing::{debug, info, warn};

use self::acks::Acks;
use self::end::{End, finish};
use self::held::Held;
use self::hello::Hello;
use self::incoming::{Received, received};
use self::plain::Plain;
use self::progress::Progress;
use self::publisher::Publisher;
use self::subscriptions::Subscription;
use crate::auth::User;
use crate::limits::connections::Entry;
use crate::limits::names;
use crate::limits::rate::Pace;
use crate::log::Owner;
use crate::net::shutdown::Drain;
use crate::state::App;
use crate::ws::Socket;
use crate::ws::dialect::frames::{self, FromClient, NotAFrame, ToClient};
use crate::ws::dialect::request::Opening;
use crate::ws::feed::resume::Begin;
use crate::ws::writer::{self, Outgoing, Sink};

/// How often acknowledged positions are stored.
const SYNC_INTERVAL: Duration = Duration::from_secs(5);
/// After so many beats in which no byte moved, a client is dropped with the next.
const BEATS_UNHEARD_MAX: u32 = 3;
/// How long a closing connection waits for its publications to be answered.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(2);

/// Serves a socket until it closes. What happens once, or seldom, is boxed here and below: otherwise the task of an
/// idle connection would have room for all of it.
pub(super) async fn serve(
    app: Arc<App>,
    (sink, mut stream): (Sink, SplitStream<Socket>),
    progress: Arc<Progress>,
    mut entry: Entry,
    opening: Opening,
) {
    let session = crate::random::name();
    let (out, writer) = writer::spawn(sink, opening.dialect(), &app.metrics);
    let mut draining = app.draining.clone();
    let greeting = match &opening {
        Opening::Seamline => tokio::select! {
            greeting = Box::pin(hello::greet(&app, &mut stream, &out, &session, &mut entry)) => greeting,
            _ = ordered(&mut draining) => Err(restarting()),
        },
        Opening::Plain(request) => hello::admit(&app, request, &mut entry),
    };
    let end = match greeting {
        Ok(hello) => {
            info!(session, client = hello.owner.client_id, user = hello.user.name, "connected");
            let mut connection = Connection::new(app, &entry, hello, out.clone(), progress);
            let end = match Box::pin(connection.open(opening)).await {
                Ok(()) => connection.run(&mut stream).await,
                Err(end) => end,
            };
            Box::pin(connection.leave(&end)).await;
            end
        }
        Err(end) => end,
    };
    info!(session, ?end, "disconnected");
    Box::pin(finish(end, stream, out, writer)).await;
    drop(entry); // not before: a drain waits for the close to be said
}

fn restarting() -> End {
    End::close(close::SERVICE_RESTART, "the server restarts")
}

/// Returns when the server is about to go.
async fn ordered(draining: &mut watch::Receiver<Option<Drain>>) -> Drain {
    let drain = draining.wait_for(Option::is_some).await.ok().and_then(|drain| *drain);
    drain.unwrap_or(Drain::of(0)) // no sender: the server has gone
}

struct Connection {
    app: Arc<App>,
    number: u64,
    cut: Arc<Notify>,
    owner: Arc<Owner>,
    user: User,
    out: Outgoing,
    /// There is one once something is published; most clients only listen.
    publisher: Option<Publisher>,
    held: Held,
    subscriptions: HashMap<String, Subscription>,
    acks: Acks,
    pace: Pace,
    plain: Option<Box<Plain>>,
    progress: Arc<Progress>,
    /// How far that was at the last beat.
    progress_seen: u64,
    /// Counted, not timed: a server that stood still has not listened meanwhile.
    beats_unheard: u32,
}

impl Connection {
    fn new(app: Arc<App>, entry: &Entry, hello: Hello, out: Outgoing, progress: Arc<Progress>) -> Self {
        let Hello { owner, user, ordered } = hello;
        let owner = Arc::new(owner);
        let acks = Acks::new(owner.clone(), app.config.max_channels as usize);
        let pace = Pace::new(app.config.max_publishes_per_second, Instant::now());
        Connection {
            app,
            number: entry.number,
            cut: entry.cut.clone(),
            owner,
            user,
            out,
            publisher: None,
            held: Held::new(ordered),
            subscriptions: HashMap::new(),
            acks,
            pace,
            plain: None,
            progress,
            progress_seen: 0,
            beats_unheard: 0,
        }
    }

    async fn run(&mut self, stream: &mut SplitStream<Socket>) -> End {
        let mut heartbeats = interval(Duration::from_millis(self.app.config.heartbeat_ms));
        heartbeats.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut syncs = interval(SYNC_INTERVAL);
        let mut draining = self.app.draining.clone();
        let (cut, out) = (self.cut.clone(), self.out.clone());
        loop {
            let step = tokio::select! {
                item = stream.next() => self.receive(item).await,
                _ = syncs.tick() => { self.store_acks().await; Ok(()) }
                _ = heartbeats.tick() => self.beat(),
                () = self.user.expired() => Err(End::close(close::UNAUTHORIZED, "token expired")),
                drain = ordered(&mut draining) => Box::pin(self.drain(drain)).await,
                () = cut.notified() => Err(End::Cut),
                () = out.gone() => Err(End::Gone),
            };
            if let Err(end) = step {
                return end;
            }
        }
    }

    /// The connection is over: what it leaves behind is put in order.
    async fn leave(mut self, end: &End) {
        self.subscriptions.clear();
        self.store_acks().await;
        if let Some(publisher) = self.publisher.filter(|_| !matches!(end, End::Cut)) {
            let _ = timeout(ANSWER_TIMEOUT, publisher.finish()).await;
        }
    }

    fn beat(&mut self) -> Result<(), End> {
        let progress = self.progress.so_far();
        if std::mem::replace(&mut self.progress_seen, progress) != progress {
            self.beats_unheard = 0;
        }
        if self.beats_unheard == BEATS_UNHEARD_MAX {
            return Err(End::Gone);
        }
        self.beats_unheard += 1;
        self.out.ping();
        Ok(())
    }

    async fn drain(&mut self, drain: Drain) -> Result<(), End> {
        let reconnect_in_ms = drain.draw_reconnect_in_ms();
        self.out.answer(&ToClient::Drain { reconnect_in_ms }).await?;
        Err(restarting())
    }

    async fn store_acks(&mut self) {
        self.locate_acked().await;
        let states = self.acks.take();
        if states.is_empty() {
            return;
        }
        if let Err(e) = self.app.store.store_positions(states.clone()).await {
            if !e.is_reported() {
                warn!("positions could not be stored: {e}");
            }
            states.into_iter().for_each(|(key, position)| self.acks.note(key.ch, position));
        }
    }

    async fn receive(&mut self, item: Option<Result<Wire, WsError>>) -> Result<(), End> {
        let acted = match received(item, &self.app)? {
            Received::Text(text) => match self.plain.is_some() {
                true => Box::pin(self.read_plain(&text)).await,
                false => Box::pin(self.read(&text)).await,
            },
            Received::Sign => Ok(()),
        };
        // Afterwards: what we took our time over is not the client's silence.
        self.beats_unheard = 0;
        acted
    }

    async fn read(&mut self, text: &str) -> Result<(), End> {
        match frames::parse(text) {
            Ok(frame) => self.act(frame).await,
            Err(NotAFrame::UnknownOp(op)) => {
                let op = names::shortened(op);
                info!(client = self.owner.client_id, op, "an unknown op is ignored");
                let message = format!("the op `{op}` is not known here and was ignored");
                Ok(self.out.answer(&frames::err("unknown_op", message, None)).await?)
            }
            Err(NotAFrame::Bad(problem)) => self.refuse(close::BAD_FRAME, "bad_frame", problem).await,
        }
    }

    async fn act(&mut self, frame: FromClient) -> Result<(), End> {
        match frame {
            ClientFrame::Hello { .. } => {
                self.refuse(close::BAD_FRAME, "bad_frame", "`hello` was said already".into()).await
            }
            ClientFrame::Sub { ch, position, from, credit, reference } => {
                let begin = match (position, from) {
                    (Some(Position { epoch, offset, id }), _) => {
                        Begin::After(Position { epoch: names::kept_epoch(epoch), offset, id })
                    }
                    (None, Some(end)) => Begin::At(end),
                    (None, None) => Begin::Stored { otherwise: StartAt::Tail },
                };
                self.subscribe(ch, begin, credit, reference).await
            }
            ClientFrame::More { ch, credit } => {
                if let Some(subscription) = self.subscriptions.get(&ch) {
                    subscription.credit.grant(credit);
                }
                Ok(())
            }
            ClientFrame::Unsub { ch } => {
                self.unsubscribe(&ch).await;
                Ok(())
            }
            ClientFrame::Pub { ch, key, data } => self.publish(ch, key, data).await,
            ClientFrame::Cast { ch, data } => self.cast(&ch, data).await,
            ClientFrame::Ack { ch, epoch, offset, id } => {
                self.acks.note(ch, Position { epoch, offset, id });
                Ok(())
            }
            ClientFrame::Token { token } => match hello::renew(&self.app, &mut self.user, &token) {
                Ok(()) => self.end_what_is_forbidden().await,
                Err((code, word, message)) => self.refuse(code, word, message).await,
            },
            ClientFrame::Ping => Ok(self.out.answer(&ToClient::Pong).await?),
        }
    }

    /// Says what is wrong, and closes.
    async fn refuse(&mut self, code: u16, word: &str, message: String) -> Result<(), End> {
        debug!(client = self.owner.client_id, code, "refused: {message}");
        self.out.answer(&frames::err(word, &message, None)).await?;
        Err(End::close(code, message))
    }
}
