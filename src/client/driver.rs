//! Runs an engine on a platform: one WebSocket, one timer. It decides nothing.
//!
//! The engine is locked only for the length of one call into it. Its effects are performed after that, with nothing
//! locked, by one caller at a time and in order. A call that is made meanwhile, by the application's own code or by
//! another thread, adds effects for the caller that is already performing.

use super::Error;
use super::dialect::{AnyIncoming, Dialect};
use super::effect::Effect;
use super::engine::Engine;
use super::platform::{Clock, PageEvent, Report, Runtime, Settings, Socket, Timer, random, unix_ms};
use super::shared::{Guard, Lock, Shared, Weak};
use super::token::{Call, Token};
use crate::core::{Config, FetchId, Instant, SocketId};
use crate::wire::close::NORMAL;

/// Timers of a page take a signed 32-bit number of milliseconds. A longer one fires at once. A timer that fires early
/// does no harm.
const TIMEOUT_MS_MAX: u64 = 3_600_000;

/// An engine with its socket and timer. Cheap to clone. Dropping the last clone closes the socket.
#[derive(Clone)]
pub(super) struct Driver(Shared<Inner>);

/// What closures hold, so that they do not keep the driver alive.
#[derive(Clone)]
pub(super) struct WeakDriver(Weak<Inner>);

impl WeakDriver {
    pub fn upgrade(&self) -> Option<Driver> {
        self.0.upgrade().map(Driver)
    }
}

struct Inner {
    url: String,
    dialect: Dialect,
    token: Option<Token>,
    runtime: Runtime,
    clock: Clock,
    engine: Lock<Engine>,
    socket: Lock<Option<(SocketId, Socket)>>,
    alarm: Lock<Alarm>,
}

/// The one timer.
#[derive(Default)]
struct Alarm {
    /// When it fires, if it is set.
    at: Option<Instant>,
    timer: Option<Timer>,
}

impl Driver {
    /// A driver that does nothing until it is called.
    pub fn new(
        url: String,
        config: Config,
        dialect: Dialect,
        token: Option<Token>,
        settings: &Settings,
    ) -> Result<Self, Error> {
        let runtime = Runtime::current(settings)?;
        let clock = Clock::new();
        let session = dialect.session(&url, config, random(), clock.now());
        let engine = Lock::new(Engine::new(session, dialect.replays(), unix_ms));
        Ok(Driver(Shared::new(Inner {
            url,
            dialect,
            token,
            runtime,
            clock,
            engine,
            socket: Lock::default(),
            alarm: Lock::default(),
        })))
    }

    pub fn downgrade(&self) -> WeakDriver {
        WeakDriver(Shared::downgrade(&self.0))
    }

    pub fn runtime(&self) -> &Runtime {
        &self.0.runtime
    }

    /// Calls into the engine, then performs its effects. The result must not run application code when it is dropped.
    pub fn with<T>(&self, call: impl FnOnce(&mut Engine, Instant) -> T) -> T {
        let now = self.0.clock.now();
        let mut engine = self.0.engine.lock();
        let result = call(&mut engine, now);
        self.called(engine, now);
        result
    }

    /// The rest of `with`, which is the same for every call.
    fn called(&self, mut engine: Guard<'_, Engine>, now: Instant) {
        engine.settle_outputs(now);
        drop(engine);
        self.perform();
    }

    /// Reads from the engine: nothing changes.
    pub fn read<T>(&self, call: impl FnOnce(&mut Engine) -> T) -> T {
        call(&mut self.0.engine.lock())
    }

    /// Something happened around the client.
    pub fn page_event(&self, event: &PageEvent) {
        let buffered_bytes = self.buffered_bytes();
        self.with(|engine, now| match event {
            PageEvent::Wake => {
                engine.record("wake");
                engine.session.set_buffered_bytes(buffered_bytes);
                engine.session.handle_wake(now);
            }
            PageEvent::Hide => {
                engine.record("hide");
                engine.session.handle_hide(now);
            }
            PageEvent::Suspend => {
                engine.record("suspend");
                engine.session.handle_suspend(now);
            }
            PageEvent::Ended => engine.session.close(now),
        });
    }

    /// Bytes that wait in the socket.
    pub fn buffered_bytes(&self) -> u64 {
        let socket = self.0.socket.lock().clone();
        socket.map_or(0, |(_, socket)| socket.buffered_bytes())
    }

    fn perform(&self) {
        if !self.0.engine.lock().begin_performing() {
            return;
        }
        loop {
            let effect = self.0.engine.lock().next_effect();
            match effect {
                Some(effect) => self.act(effect),
                None => break,
            }
        }
        self.arm();
    }

    fn act(&self, effect: Effect) {
        match effect {
            Effect::Connect(id) => self.connect(id),
            Effect::Disconnect { socket, code } => {
                if let Some(socket) = self.take_socket(socket) {
                    socket.close(code);
                }
            }
            Effect::Send { socket, frame } => self.send(socket, frame),
            Effect::FetchToken { fetch, refresh } => self.fetch_token(fetch, refresh),
            Effect::Wake(waker) => waker.wake(),
            Effect::Answer(sender, answer) => drop(sender.send(answer)), // nobody may wait for it any more
        }
    }

    fn connect(&self, id: SocketId) {
        let url = self.0.engine.lock().session.url().map(ToOwned::to_owned);
        let url = url.as_ref().unwrap_or(&self.0.url);
        let driver = self.downgrade();
        let report = move |report| {
            if let Some(driver) = driver.upgrade() {
                driver.report(id, report);
            }
        };
        match Socket::open(&self.0.runtime, url, self.0.dialect.subprotocol(), report) {
            Ok(socket) => {
                let former = self.0.socket.lock().replace((id, socket));
                drop(former);
            }
            Err(cause) => self.closed(id, 1006, cause),
        }
    }

    /// Sends a frame. If that fails, the connection ends at once, with the cause, so that nothing waits for an answer.
    fn send(&self, id: SocketId, frame: String) {
        let socket = self.0.socket.lock().clone();
        let Some((_, socket)) = socket.filter(|(open, _)| *open == id) else { return };
        if let Err(cause) = socket.send(frame) {
            socket.close(NORMAL);
            self.closed(id, 1006, cause);
        }
    }

    fn take_socket(&self, id: SocketId) -> Option<Socket> {
        let open = self.0.socket.lock().take_if(|(open, _)| *open == id);
        open.map(|(_, socket)| socket)
    }

    fn closed(&self, id: SocketId, code: u16, reason: String) {
        drop(self.take_socket(id));
        self.with(|engine, now| engine.session.handle_close(now, id, code, reason));
    }

    /// A socket reports something.
    fn report(&self, id: SocketId, report: Report) {
        match report {
            Report::Open => self.with(|engine, now| engine.session.handle_open(now, id)),
            Report::Text(text) => self.receive(id, self.0.dialect.decode(&text)),
            Report::Binary => self.receive(id, Err("the server sent a binary frame".to_owned())),
            #[cfg(not(target_arch = "wasm32"))]
            Report::Part => {
                if self.0.dialect.replays() {
                    self.receive(id, Ok(AnyIncoming::Seamline(crate::core::Incoming::Unknown)));
                }
            }
            Report::Closed(code, reason) => self.closed(id, code, reason),
        }
    }

    fn receive(&self, id: SocketId, incoming: Result<AnyIncoming, String>) {
        self.with(|engine, now| match incoming {
            Ok(incoming) => engine.session.handle_incoming(now, id, incoming),
            Err(message) => engine.session.handle_bad_frame(now, id, message),
        });
    }

    fn fetch_token(&self, fetch: FetchId, refresh: bool) {
        if let Some(token) = &self.0.token {
            token.fetch(Call { fetch, refresh, driver: self.downgrade() }, &self.0.runtime);
        }
    }

    /// The token function has returned.
    pub fn token(&self, fetch: FetchId, token: Result<String, String>) {
        self.with(|engine, now| engine.session.handle_token(now, fetch, token.map(Some)));
    }

    fn timeout(&self) {
        self.0.alarm.lock().at = None;
        let buffered_bytes = self.buffered_bytes();
        self.with(|engine, now| {
            engine.session.set_buffered_bytes(buffered_bytes);
            engine.handle_timeout(now);
        });
    }

    /// Keeps one timer, for the next deadline. A timer that is set too early still fires and checks again, which saves
    /// a timer per frame.
    fn arm(&self) {
        let next = self.0.engine.lock().poll_timeout();
        let Some(at) = next else { return self.disarm() };
        {
            let mut alarm = self.0.alarm.lock();
            if alarm.at.is_some_and(|armed| armed <= at) {
                return;
            }
            alarm.at = next;
        }
        let wait_ms = at.ms_since(self.0.clock.now()).min(TIMEOUT_MS_MAX);
        let driver = self.downgrade();
        let timer = Timer::start(&self.0.runtime, wait_ms as u32, move || {
            if let Some(driver) = driver.upgrade() {
                driver.timeout();
            }
        });
        let mut alarm = self.0.alarm.lock();
        // Another thread may have set an earlier one meanwhile, or this one may have fired.
        let unused = if alarm.at == next { alarm.timer.replace(timer) } else { Some(timer) };
        drop(alarm);
        drop(unused);
    }

    fn disarm(&self) {
        let unused = {
            let mut alarm = self.0.alarm.lock();
            alarm.at = None;
            alarm.timer.take()
        };
        drop(unused);
    }
}
