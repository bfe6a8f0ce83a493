//! The one export: a session in a page.

use wasm_bindgen::prelude::*;

use super::dialect;
use super::host::JsHost;
use super::tables::{call, counts, read_config, start};
use crate::browser::driver::Driver;
use crate::browser::host::Report;
use crate::browser::value::{Data, integer};
use crate::core::{Config, Error, Instant, Protocol, SocketId};
use crate::wire::{Position, StartAt};

/// A session in a page.
#[wasm_bindgen]
pub struct Engine(Driver<JsHost>);

#[wasm_bindgen]
impl Engine {
    /// `numbers` is an array of the numeric settings of [`Config`](crate::core::Config), in the order of
    /// `tables::read_config`. A value that is not a number stands for the default. In the plain dialect's wasm,
    /// its settings follow them.
    #[wasm_bindgen(constructor)]
    pub fn new(
        url: &JsValue,
        client_id: &JsValue,
        lineage: &JsValue,
        numbers: &JsValue,
        has_token: bool,
        host: JsHost,
    ) -> Engine {
        let lineage = lineage.as_string();
        let mut config = Config { client_id: text(client_id), has_token, lineage, ..Config::default() };
        read_config(&mut config, numbers);
        Engine(Driver::new(text(url), config, dialect::read(numbers), host))
    }

    /// Makes the call of this `kind`, one of `tables::call`. `js/src/boundary.ts` lists the arguments. Returns a
    /// number, `false` for a report that must be repeated later, or the error of a rejected call.
    #[allow(clippy::too_many_arguments)] // the boundary: see the module
    pub fn call(
        &self,
        kind: u32,
        id: u32,
        a: &JsValue,
        b: &JsValue,
        x: f64,
        y: f64,
        value: JsValue,
    ) -> JsValue {
        match kind {
            call::TIMEOUT => self.0.timeout(),
            call::WAKE => self.0.wake(),
            call::STAT => return self.stat(id).into(),
            call::SOCKET_OPEN => return self.report(id, Report::Open),
            call::SOCKET_MESSAGE => return self.report(id, Report::Message(value)),
            call::SOCKET_CLOSED => return self.report(id, Report::Closed(x as u16, text(a))),
            _ => return self.command(kind, Arguments { id, a, b, x, y, value }),
        }
        JsValue::UNDEFINED
    }

    /// A socket's report. It is not accepted while outputs are being performed.
    fn report(&self, id: SocketId, report: Report) -> JsValue {
        if self.0.performing() {
            return JsValue::FALSE;
        }
        self.0.handle(id, report);
        JsValue::UNDEFINED
    }

    /// A call into the session. Returns the id, 0 for none, or the error.
    fn command(&self, kind: u32, arguments: Arguments) -> JsValue {
        let driver = &self.0;
        // Asked before the session is borrowed: the socket may call back.
        let buffered_bytes = if kind == call::CAST { driver.buffered_bytes() } else { 0 };
        let result = driver.with(|session, now| command(session, now, kind, arguments, buffered_bytes));
        result.map_or_else(|error| driver.host().error(&error), JsValue::from)
    }

    /// One of the counts, by its place.
    fn stat(&self, place: u32) -> f64 {
        let counts = counts(self.0.stats());
        counts.get(place as usize).map_or(self.0.text_units(), |&count| count as f64)
    }
}

/// The arguments of [`Engine::call`].
struct Arguments<'a> {
    id: u32,
    a: &'a JsValue,
    b: &'a JsValue,
    x: f64,
    y: f64,
    value: JsValue,
}

fn command<S: Protocol<Data = Data>>(
    session: &mut S,
    now: Instant,
    kind: u32,
    Arguments { id, a, b, x, y, value }: Arguments,
    buffered_bytes: u64,
) -> Result<u32, Error> {
    match kind {
        call::CONNECT => session.connect(now),
        call::CLOSE => session.close(now),
        call::HIDE => session.handle_hide(now),
        call::SUSPEND => session.handle_suspend(now),
        call::UNSUBSCRIBE => session.unsubscribe(now, id),
        call::SUBSCRIBE => return session.subscribe(now, text(a), start_at(x), position(b, x, &value)),
        call::SUBSCRIBE_TO_CASTS => return session.subscribe_to_casts(now, text(a)),
        call::PUBLISH => return session.publish(now, text(a), text(b), value, x as u64),
        call::CAST => return session.cast(now, text(a), value, x as u64, buffered_bytes).map(|()| 0),
        call::PROCESSED => {
            if let Some(position) = position(b, x, &value) {
                session.processed(now, id, y as u64, position);
            }
        }
        call::TOKEN => session.handle_token(now, id, Ok(Some(text(a)).filter(|token| !token.is_empty()))),
        call::TOKEN_FAILED => session.handle_token(now, id, Err(text(a))),
        _ => {}
    }
    Ok(0)
}

/// A text. Texts arrive as JavaScript values: a `String` argument would need glue code that copies and frees it.
fn text(value: &JsValue) -> String {
    value.as_string().unwrap_or_default()
}

/// Where a subscription without a position begins, by its offset.
fn start_at(offset: f64) -> Option<StartAt> {
    match offset {
        start::START => Some(StartAt::Start),
        start::TAIL => Some(StartAt::Tail),
        _ => None,
    }
}

fn position(epoch: &JsValue, offset: f64, id: &JsValue) -> Option<Position> {
    Some(Position { epoch: text(epoch), offset: integer(offset)?, id: text(id).parse().ok() })
}
