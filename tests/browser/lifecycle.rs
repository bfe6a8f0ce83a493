//! The connection's states, tokens, and a page that wakes up.

use std::cell::RefCell;
use std::rc::Rc;

use futures::StreamExt;
use seamline::{ReasonCode, State};
use wasm_bindgen_test::wasm_bindgen_test;

use crate::support::*;

#[wasm_bindgen_test]
async fn a_dropped_connection_reports_its_states() {
    let id = name("client");
    let client = connect(builder(&id));
    let mut states = client.states();
    until(&client, "open").await;
    cut(&id).await;
    let waiting = next_state(&mut states, "waiting").await;
    assert!(
        matches!(&waiting, State::Waiting { attempt: 1, retry_in_ms: 100, reason }
            if reason.code == ReasonCode::ConnectionLost),
        "{waiting:?}"
    );
    next_state(&mut states, "open").await;
    client.close();
    let closed = next_state(&mut states, "closed").await;
    assert!(
        matches!(&closed, State::Closed { reason } if reason.code == ReasonCode::ClosedByApplication),
        "{closed:?}"
    );
    assert!(states.next().await.is_none(), "the states end");
}

#[wasm_bindgen_test]
async fn a_server_that_rejects_connections_is_retried() {
    let client = connect(builder_at(&format!("{}/nowhere", url()), "nobody"));
    let mut states = client.states();
    for attempt in 1..=3 {
        let state = next_state(&mut states, "waiting").await;
        assert!(
            matches!(&state, State::Waiting { attempt: at, reason, .. }
                if *at == attempt && reason.code == ReasonCode::ConnectFailed),
            "{state:?}"
        );
    }
}

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

#[wasm_bindgen_test]
async fn a_failed_token_function_is_called_again() {
    let asked = Rc::new(RefCell::new(Vec::new()));
    let answers = Rc::clone(&asked);
    let client = connect(builder(&name("client")).token(move |request| {
        answers.borrow_mut().push(request.refresh);
        let first = answers.borrow().len() == 1;
        async move { if first { Err("not yet") } else { Ok("token") } }
    }));
    let mut states = client.states();
    let waiting = next_state(&mut states, "waiting").await;
    assert!(
        matches!(&waiting, State::Waiting { reason, .. }
            if reason.code == ReasonCode::TokenFailed && reason.message == "not yet"),
        "{waiting:?}"
    );
    next_state(&mut states, "open").await;
    assert_eq!(*asked.borrow(), [false, false]);
}
