//! Counts and logs the answers that are refusals.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::middleware::Next;
use axum::response::Response;

use crate::net::proxy::Peer;
use crate::refusal::reason::Reason;
use crate::refusal::telemetry::Refused;
use crate::state::App;

/// What refuses a request leaves a [`Refused`] with the answer.
pub async fn observe(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let peer = request.extensions().get::<Peer>().map(|Peer(peer)| peer.ip());
    let address = peer.map(|peer| app.proxies.client(peer, request.headers()));
    let mut response = next.run(request).await;
    let refused = response.extensions_mut().remove::<Refused>();
    let refused = refused.or_else(|| timed_out(&response));
    if let Some((address, refused)) = address.zip(refused) {
        app.refusals.record(address, refused);
    }
    response
}

/// The framework gives this answer.
fn timed_out(response: &Response) -> Option<Refused> {
    (response.status() == StatusCode::REQUEST_TIMEOUT).then(|| Refused {
        reason: Reason::RequestTimeout,
        message: "the request did not arrive in time, or its answer took too long".into(),
        user: None,
    })
}
