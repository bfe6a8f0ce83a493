//! The one export: a session in a page.

use wasm_bindgen::prelude::*;

use super::dialect;
use super::host::JsHost;
use super::tables::{answer, argument, call, counts, read_config, start};
use crate::browser::driver::Driver;
use crate::browser::host::Report;
use crate::browser::value::Data;
use crate::core::{Config, Error, Instant, Protocol, SocketId};
use crate::wire::{Position, StartAt};

/// A session in a page.
#[wasm_bindgen]
pub struct Engine(Driver<JsHost>);

#[wasm_bindgen]
impl Engine {
    /// The host has the options. The arguments are the URL, the client id and the lineage.
    #[wasm_bindgen(constructor)]
    pub fn new(has_token: bool, host: JsHost) -> Engine {
        let (client_id, lineage) = (host.text(argument::B), host.optional_text(argument::VALUE));
        let mut config = Config { client_id, has_token, lineage, ..Config::default() };
        read_config(&mut config, &host);
        let dialect = dialect::read(&host);
        Engine(Driver::new(host.text(argument::A), config, dialect, host))
    }

    /// Makes the call of this `kind`, one of `tables::call`. `js/src/boundary.ts` lists the arguments, which the host
    /// has. Returns a number, or one of `tables::answer`.
    pub fn call(&self, kind: u32, id: u32) -> f64 {
        let driver = &self.0;
        match kind {
            call::TIMEOUT => driver.timeout(),
            call::WAKE => driver.wake(),
            call::STAT => return self.stat(id),
            call::SOCKET_OPEN.. => return self.report(kind, id),
            _ => return self.command(kind, id),
        }
        0.0
    }

    /// A socket's report. It is not accepted while outputs are being performed.
    fn report(&self, kind: u32, id: SocketId) -> f64 {
        let driver = &self.0;
        if driver.performing() {
            return answer::REPEAT;
        }
        match kind {
            call::SOCKET_OPEN => driver.handle(id, Report::Open),
            call::SOCKET_CLOSED => {
                let host = driver.host();
                let code = host.number(argument::X) as u16;
                driver.handle(id, Report::Closed(code, host.text(argument::A)));
            }
            _ => dialect::receive(driver, kind, id),
        }
        0.0
    }

    /// A call into the session. Returns the id, or 0 for none.
    fn command(&self, kind: u32, id: u32) -> f64 {
        let driver = &self.0;
        // Asked before the session is borrowed: the socket may call back.
        let buffered_bytes = if kind == call::CAST { driver.buffered_bytes() } else { 0 };
        let host = driver.host();
        match driver.with(|session, now| command(session, now, kind, id, host, buffered_bytes)) {
            Ok(id) => id.into(),
            Err(error) => {
                host.refuse(&error);
                answer::REFUSED
            }
        }
    }

    /// One of the counts, by its place.
    fn stat(&self, place: u32) -> f64 {
        counts(self.0.stats()).get(place as usize).map_or(0.0, |&count| count as f64)
    }
}

fn command<S: Protocol<Data = Data>>(
    session: &mut S,
    now: Instant,
    kind: u32,
    id: u32,
    host: &JsHost,
    buffered_bytes: u64,
) -> Result<u32, Error> {
    let a = || host.text(argument::A);
    let value = || host.value(argument::VALUE);
    match kind {
        call::CONNECT => session.connect(now),
        call::CLOSE => session.close(now),
        call::HIDE => session.handle_hide(now),
        call::SUSPEND => session.handle_suspend(now),
        call::UNSUBSCRIBE => session.unsubscribe(now, id),
        call::SUBSCRIBE => return session.subscribe(now, a(), start_at(host), position(host)),
        call::SUBSCRIBE_TO_CASTS => return session.subscribe_to_casts(now, a()),
        call::PUBLISH => {
            return session.publish(now, a(), host.text(argument::B), value(), host.count(argument::X));
        }
        call::CAST => {
            return session.cast(now, a(), value(), host.count(argument::X), buffered_bytes).map(|()| 0);
        }
        call::PROCESSED => {
            if let Some(position) = position(host) {
                session.processed(now, id, host.count(argument::Y), position);
            }
        }
        call::TOKEN => {
            let token = host.optional_text(argument::A).filter(|token| !token.is_empty());
            session.handle_token(now, id, Ok(token));
        }
        call::TOKEN_FAILED => session.handle_token(now, id, Err(a())),
        _ => {}
    }
    Ok(0)
}

/// Where a subscription without a position begins, by its offset.
fn start_at(host: &JsHost) -> Option<StartAt> {
    match host.number(argument::X) {
        start::START => Some(StartAt::Start),
        start::TAIL => Some(StartAt::Tail),
        _ => None,
    }
}

fn position(host: &JsHost) -> Option<Position> {
    let offset = host.optional_count(argument::X)?;
    Some(Position { epoch: host.text(argument::B), offset, id: host.message_id(argument::VALUE) })
}
