//! What a connection waits for: one poll for all of it, because a future for each would be in every idle task.

use std::future::poll_fn;
use std::task::{Context, Poll};
use std::time::Duration;

use seamline::wire::close;
use tokio::time::sleep;
use tokio_tungstenite::tungstenite::{Error, Message};

use super::Connection;
use super::end::End;
use crate::time::since_unix_epoch;
use crate::ws::interrupt::Cause;

/// The longest step towards the expiry of a token: the clock may be set meanwhile, and `exp` may be absurdly far away.
const EXPIRY_STEP: Duration = Duration::from_secs(30);

enum Event {
    Incoming(Option<Result<Message, Error>>),
    BeatDue,
    AcksDue,
    TokenExpired,
    Interrupt(Cause),
}

impl Connection {
    /// Runs until the connection has to end.
    pub(super) async fn run(&mut self) -> End {
        let drain = self.app.phase.borrow().drain();
        if let Some(drain) = drain {
            // It was requested before the connection was registered.
            self.out.shared().interrupt.send(Cause::Drain(drain));
        }
        loop {
            let event = poll_fn(|cx| self.poll_event(cx)).await;
            // Boxed: most of the time, nothing happens.
            if let Err(end) = Box::pin(self.handle_event(event)).await {
                return end;
            }
        }
    }

    /// The input comes after what a client that sends without a pause must not hold up, and before the heartbeat, which
    /// that client does not need: what it has sent shows that it is alive.
    fn poll_event(&mut self, cx: &mut Context<'_>) -> Poll<Event> {
        if let Poll::Ready(cause) = self.out.shared().interrupt.poll_cause(cx) {
            return Poll::Ready(Event::Interrupt(cause));
        }
        if self.acks.poll_due(cx).is_ready() {
            return Poll::Ready(Event::AcksDue);
        }
        if self.poll_expired(cx).is_ready() {
            return Poll::Ready(Event::TokenExpired);
        }
        if let Poll::Ready(item) = self.input.poll_next(cx) {
            return Poll::Ready(Event::Incoming(item));
        }
        match self.out.shared().interrupt.take_beat() {
            true => Poll::Ready(Event::BeatDue),
            false => Poll::Pending,
        }
    }

    /// Whether the token has expired. Most sockets have none that does.
    fn poll_expired(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let Some(expires) = self.user.expires else { return Poll::Pending };
        loop {
            let left = expires.saturating_sub(since_unix_epoch());
            if left.is_zero() {
                return Poll::Ready(());
            }
            let step = self.expiry_step.get_or_insert_with(|| Box::pin(sleep(left.min(EXPIRY_STEP))));
            std::task::ready!(step.as_mut().poll(cx));
            self.expiry_step = None;
        }
    }

    async fn handle_event(&mut self, event: Event) -> Result<(), End> {
        match event {
            Event::Incoming(item) => self.receive(item).await,
            Event::BeatDue => self.beat(),
            Event::AcksDue => {
                self.store_acks().await;
                Ok(())
            }
            Event::TokenExpired => Err(End::close(close::UNAUTHORIZED, "token expired")),
            Event::Interrupt(cause) => self.end(cause).await,
        }
    }

    fn beat(&mut self) -> Result<(), End> {
        if !self.heartbeat.beat(self.out.shared().progress.so_far()) {
            return Err(End::Gone);
        }
        self.out.ping();
        Ok(())
    }
}
