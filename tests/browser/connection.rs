//! The connection's states, and tokens.

use std::sync::{Arc, Mutex};

use futures::StreamExt;
use seamline::{ReasonCode, State};

use crate::support::*;

#[conversation]
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

#[conversation]
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

#[conversation]
async fn a_failed_token_function_is_called_again() {
    let asked = Arc::new(Mutex::new(Vec::new()));
    let answers = Arc::clone(&asked);
    let client = connect(builder(&name("client")).token(move |request| {
        let mut answers = answers.lock().unwrap();
        answers.push(request.refresh);
        let first = answers.len() == 1;
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
    assert_eq!(*asked.lock().unwrap(), [false, false]);
}
