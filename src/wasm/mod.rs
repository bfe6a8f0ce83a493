//! What the npm package calls. `js/` is the only user of these exports.
//!
//! The boundary is narrow on purpose. Every function, every structure and every exception that
//! crosses it costs each page some bytes of glue and of wasm. So there is one function each way, with
//! plain arguments: [`Engine::call`] and [`JsHost::emit`]. What a driver does not need (options by name,
//! the page's lifecycle) is done in `js/`.

#[cfg(feature = "plain")]
mod plain;

use js_sys::JsString;
use wasm_bindgen::prelude::*;

use crate::browser::driver::{Driver, Host, Report, Transport};
use crate::browser::frame::{self, Data};
use crate::core::{Config, Error, Event, FetchId, SocketId, State};
use crate::wire::{Position, StartAt};

/// What [`JsHost::emit`] tells. `js/src/engine.ts` has the same table, with what the arguments are.
#[derive(Clone, Copy)]
enum Kind {
    Connecting,
    Open,
    Waiting,
    Closed,
    Attached,
    Deliver,
    Gap,
    Live,
    Cast,
    Published,
    PublishFailed,
    Error,
    FetchToken,
    Refused,
}

/// What [`Engine::call`] does. `js/src/engine.ts` has the same table, with what the arguments are. Ids start at 1;
/// where one is returned, 0 means that the call was refused, and [`Kind::Refused`] has said why.
mod call {
    pub const HIDE: u32 = 0;
    pub const WAKE: u32 = 1;
    pub const SUSPEND: u32 = 2;
    pub const CONNECT: u32 = 3;
    pub const CLOSE: u32 = 4;
    pub const TIMEOUT: u32 = 5;
    pub const SOCKET_OPEN: u32 = 6;
    pub const SOCKET_MESSAGE: u32 = 7;
    pub const SOCKET_CLOSED: u32 = 8;
    pub const SUBSCRIBE: u32 = 9;
    pub const SUBSCRIBE_TO_CASTS: u32 = 10;
    pub const UNSUBSCRIBE: u32 = 11;
    pub const PUBLISH: u32 = 12;
    pub const CAST: u32 = 13;
    pub const PROCESSED: u32 = 14;
    pub const TOKEN: u32 = 15;
    pub const TOKEN_FAILED: u32 = 16;
    pub const STAT: u32 = 17;
}

#[wasm_bindgen]
extern "C" {
    /// The client object in `js/`.
    pub type JsHost;
    /// Does not throw; `catch` is there so that a bug in it cannot leave the driver in the middle of
    /// something.
    #[wasm_bindgen(method, catch)]
    fn emit(
        this: &JsHost,
        kind: u32,
        id: u32,
        a: &str,
        b: &str,
        x: f64,
        y: f64,
        z: f64,
        value: JsValue,
    ) -> Result<(), JsValue>;
    /// Makes a WebSocket, of the application's class if it passed one, or returns the cause as a text. `js/`
    /// knows the dialect, and so the subprotocol.
    #[wasm_bindgen(method)]
    fn socket(this: &JsHost, id: SocketId, url: &str) -> JsValue;

    /// Sets the one timer, or clears it if the time is negative.
    #[wasm_bindgen(method)]
    fn timer(this: &JsHost, wait_ms: i32);

    /// A WebSocket, wrapped by `js/src/socket.ts` so that none of this throws.
    #[derive(Clone)]
    pub type JsSocket;
    /// Returns the cause, as a text, if that fails.
    #[wasm_bindgen(method)]
    fn send(this: &JsSocket, text: &JsString) -> JsValue;
    #[wasm_bindgen(method)]
    fn buffered(this: &JsSocket) -> f64;
    #[wasm_bindgen(method)]
    fn close(this: &JsSocket, code: u16);
}

impl Transport for JsSocket {
    fn send(&self, text: &JsString) -> Result<(), String> {
        JsSocket::send(self, text).as_string().map_or(Ok(()), Err)
    }

    fn buffered_bytes(&self) -> u64 {
        self.buffered() as u64
    }

    fn close(&self, code: u16) {
        JsSocket::close(self, code);
    }
}

impl Host for JsHost {
    type Socket = JsSocket;

    fn event(&self, event: Event<JsValue, Data>) {
        match event {
            Event::State(State::Connecting) => self.tell(Kind::Connecting, 0, "", "", [0; 3]),
            Event::State(State::Open) => self.tell(Kind::Open, 0, "", "", [0; 3]),
            Event::State(State::Waiting { attempt, retry_in_ms, reason }) => {
                let close_code = u64::from(reason.close_code.unwrap_or(0));
                let numbers = [u64::from(attempt), retry_in_ms, close_code];
                self.tell(Kind::Waiting, 0, reason.code.as_str(), &reason.message, numbers);
            }
            Event::State(State::Closed { reason }) => {
                let close_code = u64::from(reason.close_code.unwrap_or(0));
                self.tell(Kind::Closed, 0, reason.code.as_str(), &reason.message, [0, 0, close_code]);
            }
            Event::Attached { channel, position } => {
                self.tell(Kind::Attached, channel, &position.epoch, "", [position.offset, 0, 0]);
            }
            Event::Deliver { channel, batch, skip } => {
                self.hand(Kind::Deliver, channel, "", "", [skip, 0, 0], batch.payload);
            }
            Event::Gap { channel, gap, position } => {
                let numbers = [gap.from, gap.to.unwrap_or(0), position.offset];
                self.tell(Kind::Gap, channel, gap.reason.as_str(), &position.epoch, numbers);
            }
            Event::Live { channel } => self.tell(Kind::Live, channel, "", "", [0; 3]),
            Event::Cast { channel, data } => self.hand(Kind::Cast, channel, "", "", [0; 3], data),
            Event::Published { publish, id, offset } => {
                self.tell(Kind::Published, publish, &id.text(), "", [offset, 0, 0]);
            }
            Event::PublishFailed { publish, error } => self.fail(Kind::PublishFailed, publish, &error),
            Event::Error { channel, error } => self.fail(Kind::Error, channel.unwrap_or(0), &error),
        }
    }

    fn socket(driver: &Driver<Self>, id: SocketId, url: &str, _protocol: &str) -> Result<JsSocket, String> {
        let socket = JsHost::socket(driver.host(), id, url);
        socket.as_string().map_or_else(|| Ok(socket.unchecked_into()), Err)
    }

    fn set_timer(driver: &Driver<Self>, wait_ms: Option<u32>) {
        driver.host().timer(wait_ms.map_or(-1, |wait_ms| wait_ms as i32));
    }

    fn fetch_token(driver: &Driver<Self>, fetch: FetchId, refresh: bool) {
        driver.host().tell(Kind::FetchToken, fetch, "", "", [refresh.into(), 0, 0]);
    }
}

impl JsHost {
    fn tell(&self, kind: Kind, id: u32, a: &str, b: &str, numbers: [u64; 3]) {
        self.hand(kind, id, a, b, numbers, JsValue::UNDEFINED);
    }

    fn fail(&self, kind: Kind, id: u32, error: &Error) {
        self.tell(kind, id, error.code.as_str(), &error.message, [0; 3]);
    }

    fn hand(&self, kind: Kind, id: u32, a: &str, b: &str, [x, y, z]: [u64; 3], value: JsValue) {
        let _ = self.emit(kind as u32, id, a, b, x as f64, y as f64, z as f64, value);
    }
}

/// A session in a page.
#[wasm_bindgen]
pub struct Engine(Driver<JsHost>);

#[wasm_bindgen]
impl Engine {
    /// `numbers` is an array of those of [`Config`], in the order of `read_config`; what is no number
    /// stands for the default. In the plain dialect's wasm, its settings follow them.
    #[wasm_bindgen(constructor)]
    pub fn new(
        url: &JsValue,
        client_id: &JsValue,
        lineage: &JsValue,
        numbers: &JsValue,
        has_token: bool,
        host: JsHost,
    ) -> Engine {
        let mut config = read_config(text(client_id), numbers, has_token);
        config.lineage = lineage.as_string();
        let url = text(url);
        #[cfg(feature = "plain")]
        return Engine(Driver::plain(url, config, plain::read_config(numbers), host));
        #[cfg(not(feature = "plain"))]
        Engine(Driver::new(url, config, host))
    }

    /// Does what `kind` says, one of [`call`], where the arguments and the results are described.
    #[allow(clippy::too_many_arguments)]
    pub fn call(&self, kind: u32, id: u32, a: &JsValue, b: &JsValue, x: f64, y: f64, value: JsValue) -> f64 {
        match kind {
            call::TIMEOUT => self.0.timeout(),
            call::WAKE => self.0.wake(),
            call::STAT => return self.stat(id),
            call::SOCKET_OPEN => return self.report(id, Report::Open),
            call::SOCKET_MESSAGE => return self.report(id, Report::Message(value)),
            call::SOCKET_CLOSED => return self.report(id, Report::Closed(x as u16, text(a))),
            _ => return self.command(kind, id, a, b, x, y, value),
        }
        0.0
    }

    /// A socket's report. While outputs are being performed it is not taken.
    fn report(&self, id: SocketId, report: Report) -> f64 {
        if self.0.performing() {
            return 0.0;
        }
        self.0.handle(id, report);
        1.0
    }

    /// A call into the session.
    #[allow(clippy::too_many_arguments)]
    fn command(&self, kind: u32, id: u32, a: &JsValue, b: &JsValue, x: f64, y: f64, value: JsValue) -> f64 {
        let driver = &self.0;
        // Asked before the session is borrowed: the socket may call back.
        let buffered_bytes = if kind == call::CAST { driver.buffered_bytes() } else { 0 };
        let result = driver.with(|session, now| {
            match kind {
                call::CONNECT => session.connect(now),
                call::CLOSE => session.close(now),
                call::HIDE => session.handle_hide(now),
                call::SUSPEND => session.handle_suspend(now),
                call::UNSUBSCRIBE => session.unsubscribe(now, id),
                call::SUBSCRIBE => return session.subscribe(now, text(a), start(x), position(b, x, &value)),
                call::SUBSCRIBE_TO_CASTS => return session.subscribe_to_casts(now, text(a)),
                call::PUBLISH => return session.publish(now, text(a), text(b), value, x as u64),
                call::CAST => {
                    return session.cast(now, text(a), value, x as u64, buffered_bytes).map(|()| 1);
                }
                call::PROCESSED => {
                    if let Some(position) = position(b, x, &value) {
                        session.processed(now, id, y as u64, position);
                    }
                }
                call::TOKEN => {
                    session.handle_token(now, id, Ok(Some(text(a)).filter(|token| !token.is_empty())))
                }
                call::TOKEN_FAILED => session.handle_token(now, id, Err(text(a))),
                _ => {}
            }
            Ok(0)
        });
        f64::from(result.unwrap_or_else(|error| {
            driver.host().fail(Kind::Refused, 0, &error);
            0
        }))
    }

    /// One of the counts, by its place in `Stats`; behind them, the received text's length.
    fn stat(&self, place: u32) -> f64 {
        let s = self.0.with(|session, _| session.stats());
        let counts =
            [s.connects, s.received, s.delivered, s.duplicates, s.discarded, s.repairs, s.gaps, s.published];
        counts.get(place as usize).map_or(self.0.text_units(), |&count| count as f64)
    }
}

/// A text. Those come as JavaScript's own: as `String`, each would cost each function glue to copy and to
/// free it.
fn text(value: &JsValue) -> String {
    value.as_string().unwrap_or_default()
}

/// Where a subscription without a position begins, by its offset.
fn start(offset: f64) -> Option<StartAt> {
    match offset {
        -2.0 => Some(StartAt::Start),
        -3.0 => Some(StartAt::Tail),
        _ => None,
    }
}

fn position(epoch: &JsValue, offset: f64, id: &JsValue) -> Option<Position> {
    Some(Position { epoch: text(epoch), offset: frame::integer(offset)?, id: text(id).parse().ok() })
}

/// How many numbers there are.
const NUMBERS: usize = 13;

fn read_config(client_id: String, numbers: &JsValue, has_token: bool) -> Config {
    let mut config = Config { client_id, has_token, ..Config::default() };
    let fields: [_; NUMBERS] = [
        &mut config.backoff.initial_ms,
        &mut config.backoff.max_ms,
        &mut config.connect_timeout_ms,
        &mut config.token_timeout_ms,
        &mut config.heartbeat_ms,
        &mut config.pong_timeout_ms,
        &mut config.probe_timeout_ms,
        &mut config.stable_ms,
        &mut config.ack_interval_ms,
        &mut config.replay_credit,
        &mut config.queue_messages_max,
        &mut config.queue_bytes_max,
        &mut config.outbox_messages_max,
    ];
    for (i, field) in (0..).zip(fields) {
        *field = frame::item(numbers, i).as_f64().and_then(frame::integer).unwrap_or(*field);
    }
    config
}
