//! The test server, what the tests have it do, and events of the page.

use std::time::Duration;

use js_sys::Function;
use seamline::ClientBuilder;
use wasm_bindgen::JsCast;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
pub use wasm_bindgen_test::wasm_bindgen_test as conversation;

pub use crate::clients::*;

/// A name that only this run uses.
pub fn name(what: &str) -> String {
    format!("{what}-{}", js_sys::Math::random())
}

fn server() -> &'static str {
    // There is none if the tests are only compiled, for lints.
    seamline_test_server::URL
        .expect("no server: run `wasm-pack test --headless --chrome` or `cargo xtask test --only browser`")
}

pub fn url() -> String {
    format!("{}/ws", server().replacen("http", "ws", 1))
}

/// Waits. The runner of the tests has a timeout.
pub async fn patiently<T>(future: impl Future<Output = T>) -> T {
    future.await
}

/// A builder with which only a wake event reconnects.
pub fn patient(client_id: &str) -> ClientBuilder {
    builder(client_id).backoff(Duration::from_secs(1_000), Duration::from_secs(1_000))
}

/// Has the server cut a client's sockets, without a close.
pub async fn cut(client_id: &str) {
    // The page of the test runner may not see answers of another origin; the server answers after it
    // has done what was asked.
    const POST: &str = "return fetch(url, { method: 'POST', mode: 'no-cors' }).catch(() => {})";
    let url = format!("{}/debug/drop?client_id={client_id}", server());
    let answer = Function::new_with_args("url", POST).call1(&JsValue::NULL, &url.into());
    let answer = answer.expect("fetch is there").unchecked_into::<js_sys::Promise>();
    JsFuture::from(answer).await.expect("it never fails");
}

/// An event of the window.
pub fn dispatch(event: &str) {
    let dispatch = Function::new_with_args("name", "dispatchEvent(new Event(name))");
    dispatch.call1(&JsValue::NULL, &event.into()).expect("it is dispatched");
}

/// `pagehide` or `pageshow` of a page that enters or leaves the back/forward cache.
pub fn dispatch_persisted(event: &str) {
    const DISPATCH: &str = "dispatchEvent(new PageTransitionEvent(name, { persisted: true }))";
    let dispatch = Function::new_with_args("name", DISPATCH);
    dispatch.call1(&JsValue::NULL, &event.into()).expect("it is dispatched");
}
