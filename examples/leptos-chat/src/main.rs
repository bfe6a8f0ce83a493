//! A chat in Leptos.

mod chat;

use leptos::prelude::*;
use seamline::Client;

use chat::Chat;

fn main() {
    let location = window().location();
    let origin = location.origin().expect("a page has an origin");
    let url = format!("{}/ws", origin.replacen("http", "ws", 1));
    // Returns at once, connects, and stays connected.
    let client = Client::builder(url).connect().expect("the URL of this page makes a valid one");
    mount_to_body(move || view! { <Chat client=client /> });
}
