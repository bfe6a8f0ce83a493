//! A chat in Yew.

mod chat;
mod hooks;

use seamline::Client;
use yew::Renderer;

use chat::{Chat, Props};

fn main() {
    let location = web_sys::window().expect("this runs in a page").location();
    let origin = location.origin().expect("a page has an origin");
    let url = format!("{}/ws", origin.replacen("http", "ws", 1));
    // Returns at once, connects, and stays connected.
    let client = Client::builder(url).connect().expect("the URL of this page makes a valid one");
    Renderer::<Chat>::with_props(Props { client: client.into() }).render();
}
