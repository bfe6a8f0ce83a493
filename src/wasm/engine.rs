//! The exports: the sessions of a page.
//!
//! They are functions, and the script has the number of its session: wasm-bindgen's structures check at each call whether
//! they are used or freed already, and have texts for that.

use std::cell::RefCell;

use wasm_bindgen::prelude::*;

use super::dialect::{self, Dialect};
use super::host::JsHost;
use super::tables::{answer, argument, call, counts, read_config, start};
use crate::browser::driver::Driver;
#[cfg(not(feature = "js-texts"))]
use crate::core::Protocol;
use crate::core::{Config, Error, Instant};
use crate::wire::{Position, StartAt};

type Session = <Dialect as crate::browser::dialect::Dialect>::Session;

thread_local! {
    /// The page's sessions, by their numbers.
    static ENGINES: RefCell<Vec<Option<Driver<JsHost>>>> = const { RefCell::new(Vec::new()) };
}

/// Creates a session, and returns its number. The arguments are the URL, the client id, the lineage and the settings.
#[wasm_bindgen]
pub fn create(has_token: bool, host: JsHost) -> usize {
    let (client_id, lineage) = (host.text(argument::B), host.optional_text(argument::VALUE));
    let mut config = Config::default();
    (config.client_id, config.has_token, config.lineage) = (client_id, has_token, lineage);
    read_config(&mut config, &host);
    let dialect = dialect::read(&host);
    let driver = Driver::new(host.text(argument::A), config, dialect, host);
    ENGINES.with_borrow_mut(|engines| {
        let free = engines.iter().position(Option::is_none).unwrap_or(engines.len());
        if free == engines.len() {
            engines.push(None);
        }
        engines[free] = Some(driver);
        free
    })
}

/// The client is closed: its session is not called any more.
#[wasm_bindgen]
pub fn free(engine: usize) {
    let driver = ENGINES.with_borrow_mut(|engines| engines.get_mut(engine)?.take());
    drop(driver);
}

/// Makes the call of this `kind`, one of `tables::call`. `js/src/boundary.ts` lists the arguments, which the host
/// has. Returns a number, or one of `tables::answer`. A socket's report is not accepted while outputs are being
/// performed.
#[wasm_bindgen]
pub fn call(engine: usize, kind: u32, id: u32) -> f64 {
    let Some(driver) = ENGINES.with_borrow(|engines| engines.get(engine)?.clone()) else { return 0.0 };
    let (driver, host) = (&driver, driver.host());
    match kind {
        call::STAT => return counts(driver.stats()).get(id as usize).map_or(0.0, |&count| count as f64),
        call::SOCKET_OPEN.. if driver.performing() => return answer::REPEAT,
        call::SOCKET_CLOSED => driver.forget_socket(id),
        call::TIMEOUT => driver.timer_fired(),
        _ => {}
    }
    // Asked before the session is borrowed: the socket may call back.
    let asks = matches!(kind, call::WAKE | call::TIMEOUT | call::CAST);
    let buffered_bytes = if asks { driver.buffered_bytes() } else { 0 };
    // One closure for all calls: each one would be a copy of `Driver::with`.
    match driver.with(|session, now| perform(session, now, kind, id, driver, buffered_bytes)) {
        Ok(id) => id.into(),
        Err(error) => {
            host.refuse(&error);
            answer::REFUSED
        }
    }
}

/// A call into the session. Returns the id of what it made, or 0.
fn perform(
    session: &mut Session,
    now: Instant,
    kind: u32,
    id: u32,
    driver: &Driver<JsHost>,
    buffered_bytes: u64,
) -> Result<u32, Error> {
    let host = driver.host();
    let a = || host.text(argument::A);
    let value = || host.value(argument::VALUE);
    match kind {
        call::CONNECT => session.connect(now),
        call::CLOSE => session.close(now),
        call::HIDE => session.handle_hide(now),
        call::SUSPEND => session.handle_suspend(now),
        call::WAKE => {
            session.set_buffered_bytes(buffered_bytes);
            session.handle_wake(now);
        }
        call::TIMEOUT => {
            session.set_buffered_bytes(buffered_bytes);
            session.handle_timeout(now);
        }
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
        call::SOCKET_OPEN => session.handle_open(now, id),
        call::SOCKET_CLOSED => session.handle_close(now, id, host.number(argument::X) as u16, a()),
        _ => dialect::receive(session, now, kind, id, driver),
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
