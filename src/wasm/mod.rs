//! What the npm package calls: few, fat functions. `js/` is the only user of these exports.
//!
//! The boundary is narrow on purpose. Every function, every structure and every exception that
//! crosses it costs each page some bytes of glue and of wasm, so events go through one import with
//! plain arguments, and what a driver does not need (options by name, the page's lifecycle) is done
//! in `js/`.

#[cfg(feature = "plain")]
mod plain;

use js_sys::JsString;
use wasm_bindgen::prelude::*;

use crate::browser::driver::{Driver, Host, Report, Transport};
use crate::browser::frame::{self, Data};
use crate::core::config::Config;
use crate::core::event::{Error, Event, FetchId, SocketId, State};
use crate::core::position::Position;
use crate::wire::StartAt;

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
        self.tell(kind, id, &error.code, &error.message, [0; 3]);
    }

    fn hand(&self, kind: Kind, id: u32, a: &str, b: &str, [x, y, z]: [u64; 3], value: JsValue) {
        let _ = self.emit(kind as u32, id, a, b, x as f64, y as f64, z as f64, value);
    }
}

/// A session in a page. Ids start at 1; where one is returned, 0 means that the call was refused, and
/// [`Kind::Refused`] has said why.
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
        numbers: &JsValue,
        has_token: bool,
        host: JsHost,
    ) -> Engine {
        let (url, config) = (text(url), read_config(text(client_id), numbers, has_token));
        #[cfg(feature = "plain")]
        return Engine(Driver::plain(url, config, plain::read_config(numbers), host));
        #[cfg(not(feature = "plain"))]
        Engine(Driver::new(url, config, host))
    }

    /// See `Session::connect`.
    pub fn connect(&self) {
        self.0.with(|session, now| session.connect(now));
    }

    /// See `Session::close`.
    pub fn close(&self) {
        self.0.with(|session, now| session.close(now));
    }

    /// What the page does: 0 hides, 1 wakes, 2 goes into the back/forward cache.
    pub fn lifecycle(&self, sign: u32) {
        if sign == 1 {
            return self.0.wake();
        }
        self.0.with(|session, now| match sign {
            0 => session.handle_hide(now),
            _ => session.handle_suspend(now),
        });
    }

    /// The timer has fired.
    pub fn timeout(&self) {
        self.0.timeout();
    }

    /// A socket's report: 0 it is open; 1 `data` came; 2 it is closed, with a code and with `data` as the reason.
    /// Returns false while outputs are being performed: the report has to be made again.
    pub fn report(&self, id: SocketId, kind: u32, code: u16, data: JsValue) -> bool {
        if self.0.performing() {
            return false;
        }
        let report = match kind {
            0 => Report::Open,
            1 => Report::Message(data),
            _ => Report::Closed(code, text(&data)),
        };
        self.0.handle(id, report);
        true
    }

    /// Subscribes after a position; where `offset` is negative, without one: at the start (-2), at
    /// the tail (-3), or (-1) where the server last knew this client id to be. Without `messages`, only
    /// for ephemeral events: see `Session::subscribe_to_casts`.
    pub fn subscribe(
        &self,
        name: &JsValue,
        epoch: &JsValue,
        offset: f64,
        id: &JsValue,
        messages: bool,
    ) -> u32 {
        let from = match offset {
            -2.0 => Some(StartAt::Start),
            -3.0 => Some(StartAt::Tail),
            _ => None,
        };
        let position = position(epoch, offset, id);
        self.answer(self.0.with(|session, now| match messages {
            true => session.subscribe(now, text(name), from, position),
            false => session.subscribe_to_casts(now, text(name)),
        }))
    }

    /// See `Session::unsubscribe`.
    pub fn unsubscribe(&self, channel: u32) {
        self.0.with(|session, now| session.unsubscribe(now, channel));
    }

    /// See `Session::publish`. `data` is JSON text; `bytes` is its size.
    pub fn publish(&self, name: &JsValue, key: &JsValue, data: JsValue, bytes: f64) -> u32 {
        self.answer(
            self.0.with(|session, now| session.publish(now, text(name), text(key), data, bytes as u64)),
        )
    }

    /// See `Session::cast`. `data` is JSON text. Returns 1, if not 0.
    pub fn cast(&self, name: &JsValue, data: JsValue, bytes: f64) -> u32 {
        let buffered_bytes = self.0.buffered_bytes();
        let cast =
            self.0.with(|session, now| session.cast(now, text(name), data, bytes as u64, buffered_bytes));
        self.answer(cast.map(|()| 1))
    }

    /// See `Session::processed`. The id may be empty.
    pub fn processed(&self, channel: u32, count: f64, epoch: &JsValue, offset: f64, id: &JsValue) {
        if let Some(position) = position(epoch, offset, id) {
            self.0.with(|session, now| session.processed(now, channel, count as u64, position));
        }
    }

    /// The answer to [`Kind::FetchToken`]: a token, which may be empty for none, or what went wrong.
    pub fn token(&self, fetch: FetchId, answer: &JsValue, failed: bool) {
        let text = text(answer);
        let token = (!text.is_empty()).then(|| text.clone());
        let answer = if failed { Err(text) } else { Ok(token) };
        self.0.with(|session, now| session.handle_token(now, fetch, answer));
    }

    /// The counts of `Stats` by their place in it, and then the received text's length.
    pub fn stat(&self, place: usize) -> f64 {
        let s = self.0.with(|session, _| session.stats());
        let counts =
            [s.connects, s.received, s.delivered, s.duplicates, s.discarded, s.repairs, s.gaps, s.published];
        counts.get(place).map_or(self.0.text_units(), |&count| count as f64)
    }

    fn answer(&self, result: Result<u32, Error>) -> u32 {
        result.unwrap_or_else(|error| {
            self.0.host().fail(Kind::Refused, 0, &error);
            0
        })
    }
}

/// A text. Those come as JavaScript's own: as `String`, each would cost each function glue to copy and to
/// free it.
fn text(value: &JsValue) -> String {
    value.as_string().unwrap_or_default()
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
