//! The messages of a channel, a form, and the state of the connection.

use futures::StreamExt;
use leptos::ev::SubmitEvent;
use leptos::prelude::*;
use leptos::task::spawn_local;
use seamline::{Client, Item, StartFrom};
use serde::{Deserialize, Serialize};

const CHANNEL: &str = "leptos-chat";

/// What a message says.
#[derive(Serialize, Deserialize)]
struct Said {
    text: String,
}

/// A line of the chat.
#[derive(Clone)]
enum Line {
    Said(String),
    /// Messages that the server no longer had, or that are not of this form.
    Missing(String),
}

#[component]
pub fn Chat(client: Client) -> impl IntoView {
    let lines = RwSignal::new(Vec::<Line>::new());
    let state = RwSignal::new(client.state().name());
    let problem = RwSignal::new(String::new());
    let text = RwSignal::new(String::new());

    let mut states = client.states();
    spawn_local(async move {
        while let Some(next) = states.next().await {
            state.set(next.name());
        }
    });

    let mut room = client.channel(CHANNEL, StartFrom::Start).expect("the name is valid");
    spawn_local(async move {
        // Each message once, in order; also across reconnects and restarts of the server.
        while let Some(item) = room.next().await {
            match item {
                Item::Message(message) => lines.write().push(match message.json::<Said>() {
                    Ok(said) => Line::Said(said.text),
                    Err(error) => Line::Missing(format!("message {}: {error}", message.offset)),
                }),
                Item::Gap(gap) => lines.write().push(Line::Missing(gap.to_string())),
                Item::Error(error) => problem.set(error.to_string()),
                Item::Closed(reason) => problem.set(reason.to_string()),
                _ => {}
            }
        }
    });

    let client = StoredValue::new_local(client);
    let say = move |event: SubmitEvent| {
        event.prevent_default();
        let said = Said { text: text.get() };
        text.set(String::new());
        // Resolves when the log has the message. Until then, the client repeats it.
        let stored = client.with_value(|client| client.publish(CHANNEL, &said));
        spawn_local(async move {
            match stored.await {
                Ok(_) => problem.set(String::new()),
                Err(error) => problem.set(error.to_string()),
            }
        });
    };

    view! {
        <h1>"Leptos chat"</h1>
        <p role="status" class=state>{state}</p>
        <ol>
            {move || lines.get().into_iter().map(|line| match line {
                Line::Said(text) => view! { <li class="said">{text}</li> },
                Line::Missing(what) => view! { <li class="missing">{what}</li> },
            }).collect_view()}
        </ol>
        <p role="alert">{problem}</p>
        <form on:submit=say>
            <input aria-label="Message" required prop:value=text
                on:input=move |event| text.set(event_target_value(&event)) />
            <button>"Send"</button>
        </form>
    }
}
