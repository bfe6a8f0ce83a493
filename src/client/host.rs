//! The application's side of the driver: forwards events to channels and futures.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::{Rc, Weak};

use futures::channel::{mpsc, oneshot};
use futures::stream::Stream;
use gloo_timers::callback::Timeout;
use js_sys::JsString;
use wasm_bindgen_futures::spawn_local;

use super::channel::Inbox;
use super::dialect::{AnyDialect, AnyMessages};
use super::item::Published;
use super::options::{TokenFn, TokenFuture};
use crate::browser::driver::Driver;
use crate::browser::host::Host;
use crate::browser::socket::Socket;
use crate::browser::value::Data;
use crate::core::{ChannelId, Error, Event, FetchId, Protocol, PublishId, SocketId, State};

/// What the application waits for.
pub(super) struct App {
    token: Option<TokenFn>,
    state: RefCell<State>,
    states: RefCell<Vec<mpsc::UnboundedSender<State>>>,
    inboxes: RefCell<HashMap<ChannelId, Weak<Inbox>>>,
    answers: RefCell<HashMap<PublishId, oneshot::Sender<Result<Published, Error>>>>,
    timer: RefCell<Option<Timeout>>,
}

impl App {
    pub fn new(token: Option<TokenFn>) -> Self {
        App {
            token,
            state: RefCell::new(State::Connecting),
            states: RefCell::default(),
            inboxes: RefCell::default(),
            answers: RefCell::default(),
            timer: RefCell::default(),
        }
    }

    pub fn state(&self) -> State {
        self.state.borrow().clone()
    }

    pub fn states(&self) -> impl Stream<Item = State> + use<> {
        let (sender, receiver) = mpsc::unbounded();
        if !self.closed() {
            self.states.borrow_mut().push(sender);
        }
        receiver
    }

    /// The answer to a publication.
    pub fn answer_to(&self, id: PublishId) -> oneshot::Receiver<Result<Published, Error>> {
        let (sender, receiver) = oneshot::channel();
        self.answers.borrow_mut().insert(id, sender);
        receiver
    }

    pub fn open(&self, id: ChannelId, inbox: &Rc<Inbox>) {
        self.inboxes.borrow_mut().insert(id, Rc::downgrade(inbox));
    }

    pub fn forget(&self, id: ChannelId) {
        self.inboxes.borrow_mut().remove(&id);
    }

    pub fn closed(&self) -> bool {
        matches!(*self.state.borrow(), State::Closed { .. })
    }

    /// Nothing is borrowed while a watcher is woken, because its waker may use the client.
    fn set_state(&self, state: State) {
        *self.state.borrow_mut() = state.clone();
        let mut watchers = self.states.take();
        watchers.retain(|watcher| watcher.unbounded_send(state.clone()).is_ok());
        if !self.closed() {
            watchers.append(&mut self.states.borrow_mut()); // those that came meanwhile
            *self.states.borrow_mut() = watchers;
        } else {
            drop(watchers);
            let inboxes = std::mem::take(&mut *self.inboxes.borrow_mut());
            for inbox in inboxes.values().filter_map(Weak::upgrade) {
                inbox.end();
            }
        }
    }

    fn answered(&self, id: PublishId, answer: Result<Published, Error>) {
        let waiting = self.answers.borrow_mut().remove(&id);
        if let Some(waiting) = waiting {
            let _ = waiting.send(answer); // whoever asked may be gone
        }
    }

    fn channel_event(&self, id: ChannelId, event: Event<AnyMessages, Data>) {
        let inbox = self.inboxes.borrow().get(&id).and_then(Weak::upgrade);
        if let Some(inbox) = inbox {
            inbox.push(event);
        }
    }
}

impl Host for App {
    type Dialect = AnyDialect;
    type Socket = Socket;

    fn socket(driver: &Driver<Self>, id: SocketId, url: &str, subprotocol: &str) -> Result<Socket, String> {
        Socket::open(driver, id, url, subprotocol)
    }

    fn send(socket: &Socket, text: JsString) -> Result<(), String> {
        socket.send(&text)
    }

    fn event(&self, event: Event<AnyMessages, Data>) {
        match event {
            Event::State(state) => self.set_state(state),
            Event::Published { publish, id, offset } => self.answered(publish, Ok(Published { id, offset })),
            Event::PublishFailed { publish, error } => self.answered(publish, Err(error)),
            // Errors of the connection as a whole are also in its state.
            Event::Error { channel: None, .. } => {}
            Event::Error { channel: Some(channel), .. }
            | Event::Attached { channel, .. }
            | Event::Deliver { channel, .. }
            | Event::Gap { channel, .. }
            | Event::Live { channel }
            | Event::Cast { channel, .. } => self.channel_event(channel, event),
        }
    }

    fn set_timer(driver: &Driver<Self>, wait_ms: Option<u32>) {
        let timer = wait_ms.map(|wait_ms| {
            let fired = driver.downgrade();
            Timeout::new(wait_ms, move || {
                if let Some(driver) = fired.upgrade() {
                    driver.timeout();
                }
            })
        });
        drop(driver.host().timer.replace(timer));
    }

    fn fetch_token(driver: &Driver<Self>, fetch: FetchId, refresh: bool) {
        let get: Option<TokenFuture> = driver.host().token.as_ref().map(|get| get(refresh));
        let asking = driver.downgrade();
        spawn_local(async move {
            let token = match get {
                Some(token) => token.await,
                None => Ok(None),
            };
            if let Some(driver) = asking.upgrade() {
                driver.with(|session, now| session.handle_token(now, fetch, token));
            }
        });
    }
}
