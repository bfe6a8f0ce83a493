//! The client in the form that components need.

use std::rc::Rc;

use futures::StreamExt;
use seamline::{Client, Item, StartFrom, State};
use serde::{Deserialize, Serialize};
use yew::platform::spawn_local;
use yew::prelude::*;

/// A client as a property. Two are equal if they are the same client.
#[derive(Clone)]
pub struct SharedClient(Rc<Client>);

impl From<Client> for SharedClient {
    fn from(client: Client) -> Self {
        Self(Rc::new(client))
    }
}

impl PartialEq for SharedClient {
    fn eq(&self, other: &Self) -> bool {
        Rc::ptr_eq(&self.0, &other.0)
    }
}

impl std::ops::Deref for SharedClient {
    type Target = Client;

    fn deref(&self) -> &Client {
        &self.0
    }
}

/// What a message says.
#[derive(Serialize, Deserialize)]
pub struct Said {
    pub text: String,
}

/// A line of the chat.
#[derive(Clone, PartialEq)]
pub enum Line {
    Said(String),
    /// Messages that the server no longer had, or that are not of this form.
    Missing(String),
}

/// The lines of a list, of which each new one is added at the end.
#[derive(Clone, Default, PartialEq)]
pub struct Lines(pub Vec<Line>);

impl Reducible for Lines {
    type Action = Line;

    fn reduce(self: Rc<Self>, line: Line) -> Rc<Self> {
        let mut lines = self.0.clone();
        lines.push(line);
        Self(lines).into()
    }
}

/// The messages of a channel, and why it ended or what was wrong with a request.
#[hook]
pub fn use_lines(client: &SharedClient, channel: &'static str, problem: UseStateSetter<String>) -> Vec<Line> {
    let lines = use_reducer(Lines::default);
    let add = lines.dispatcher();
    use_effect_with(client.clone(), move |client| {
        let mut room = client.channel(channel, StartFrom::Start).expect("the name is valid");
        spawn_local(async move {
            // Each message once, in order; also across reconnects and restarts of the server.
            while let Some(item) = room.next().await {
                match item {
                    Item::Message(message) => add.dispatch(match message.json::<Said>() {
                        Ok(said) => Line::Said(said.text),
                        Err(error) => Line::Missing(format!("message {}: {error}", message.offset)),
                    }),
                    Item::Gap(gap) => add.dispatch(Line::Missing(gap.to_string())),
                    Item::Error(error) => problem.set(error.to_string()),
                    Item::Closed(reason) => problem.set(reason.to_string()),
                    _ => {}
                }
            }
        });
    });
    lines.0.clone()
}

/// The state of the connection.
#[hook]
pub fn use_connection(client: &SharedClient) -> State {
    let state = use_state(|| client.state());
    let set = state.setter();
    use_effect_with(client.clone(), move |client| {
        let mut states = client.states();
        spawn_local(async move {
            while let Some(next) = states.next().await {
                set.set(next);
            }
        });
    });
    (*state).clone()
}
