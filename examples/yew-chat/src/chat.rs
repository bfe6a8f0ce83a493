//! The messages of a channel, a form, and the state of the connection.

use yew::platform::spawn_local;
use yew::prelude::*;

use crate::hooks::{Line, Said, SharedClient, use_connection, use_lines};

const CHANNEL: &str = "yew-chat";

#[derive(PartialEq, Properties)]
pub struct Props {
    pub client: SharedClient,
}

#[component]
pub fn Chat(props: &Props) -> Html {
    let problem = use_state(String::new);
    let lines = use_lines(&props.client, CHANNEL, problem.setter());
    let state = use_connection(&props.client);
    let input = use_node_ref();

    let say = {
        let (client, input, problem) = (props.client.clone(), input.clone(), problem.setter());
        Callback::from(move |event: SubmitEvent| {
            event.prevent_default();
            let Some(input) = input.cast::<web_sys::HtmlInputElement>() else { return };
            // Resolves when the log has the message. Until then, the client repeats it.
            let stored = client.publish(CHANNEL, &Said { text: input.value() });
            input.set_value("");
            let problem = problem.clone();
            spawn_local(async move {
                problem.set(stored.await.err().map(|error| error.to_string()).unwrap_or_default());
            });
        })
    };

    html! {
        <>
            <h1>{ "Yew chat" }</h1>
            <p role="status" class={state.name()}>{ state.name() }</p>
            <ol>
                { for lines.into_iter().map(|line| match line {
                    Line::Said(text) => html! { <li class="said">{ text }</li> },
                    Line::Missing(what) => html! { <li class="missing">{ what }</li> },
                }) }
            </ol>
            <p role="alert">{ &*problem }</p>
            <form onsubmit={say}>
                <input aria-label="Message" required=true ref={input} />
                <button>{ "Send" }</button>
            </form>
        </>
    }
}
