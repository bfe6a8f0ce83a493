//! A page that wakes up, or enters the back/forward cache.

use seamline::{ReasonCode, State};
use wasm_bindgen_test::wasm_bindgen_test;

use crate::support::*;

#[wasm_bindgen_test]
async fn coming_online_cuts_the_backoff_short() {
    let id = name("client");
    let client = connect(patient(&id));
    until(&client, "open").await;
    let mut states = client.states();
    cut(&id).await;
    next_state(&mut states, "waiting").await;
    dispatch("online");
    next_state(&mut states, "open").await;
}

#[wasm_bindgen_test]
async fn the_back_forward_cache_closes_and_reconnects() {
    let client = connect(patient(&name("client")));
    until(&client, "open").await;
    let mut states = client.states();
    dispatch_persisted("pagehide");
    let waiting = next_state(&mut states, "waiting").await;
    assert!(
        matches!(&waiting, State::Waiting { attempt: 0, reason, .. } if reason.code == ReasonCode::PageHidden),
        "{waiting:?}"
    );
    dispatch_persisted("pageshow");
    next_state(&mut states, "open").await;
}
