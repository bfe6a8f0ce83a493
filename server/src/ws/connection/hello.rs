//! Who the client is. Its first frame has the answer; in the plain dialect, the request has it.

use std::time::Duration;

use seamline::wire::{ClientFrame, VERSION, close, code};
use tokio::time::timeout;

use super::end::End;
use super::incoming::{Incoming, classify};
use crate::auth::{Action, User};
use crate::limits::connections::ConnectionGuard;
use crate::limits::names;
use crate::log::Owner;
use crate::refusal::Refusal;
use crate::refusal::reason::Reason;
use crate::state::App;
use crate::ws::dialect::frames::{self, FromClient, ParseError};
use crate::ws::dialect::request::PlainRequest;
use crate::ws::registry::Registered;
use crate::ws::socket::Input;
use crate::ws::writer::Outgoing;

/// What the client said about itself.
pub(super) struct Hello {
    pub registered: Registered,
    pub user: User,
    /// Whether it sends refused publications again, and wants them to keep their order.
    pub ordered: bool,
}

impl Hello {
    pub fn owner(&self) -> &Owner {
        &self.registered.entry.owner
    }
}

/// Waits for `hello` and answers it.
pub(super) async fn greet(
    app: &App,
    input: &mut Input,
    out: &Outgoing,
    session: &str,
    guard: &mut ConnectionGuard,
) -> Result<Hello, End> {
    let limit = Duration::from_millis(app.config.hello_timeout_ms);
    let text = match timeout(limit, first_text(app, input)).await {
        Ok(text) => text?,
        Err(_) => {
            let reason = format!("no `hello` within {limit:?}");
            return Err(End::refuse(Reason::HelloTimeout, close::HELLO_TIMEOUT, reason));
        }
    };
    match check(app, &text, out, guard).await {
        Ok(hello) => {
            let (heartbeat_ms, max_frame_bytes) = (app.config.heartbeat_ms, app.config.max_frame_bytes);
            out.answer_text(frames::welcome(session, heartbeat_ms, max_frame_bytes)).await?;
            Ok(hello)
        }
        Err(refusal) => {
            out.answer(&frames::err(&refusal, None, None)).await?;
            Err(refusal.into())
        }
    }
}

/// Like [`greet`], where the request has everything. A page is shown a close code, but not the status of a refused
/// handshake. So what a fresh token may change is refused by a close.
pub(super) async fn admit(
    app: &App,
    request: &PlainRequest,
    out: &Outgoing,
    guard: &mut ConnectionGuard,
) -> Result<Hello, End> {
    let user = app.auth.authenticate(request.token.as_deref()).await?;
    user.check_grant(Action::Read, &request.ch)?;
    count(app, &user, guard)?;
    let client_id = request.client_id.clone().unwrap_or_else(crate::random::name);
    // Without a client id, nobody could ask for a stored position again.
    let lineage = request.client_id.as_ref().map_or(Vec::new(), |_| request.lineage.clone());
    let owner = Owner { user: user.name.clone(), client_id, lineage };
    let registered = register(app, owner, out, guard);
    Ok(Hello { registered, user, ordered: false })
}

async fn first_text(app: &App, input: &mut Input) -> Result<String, End> {
    loop {
        if let Incoming::Text(text) = classify(input.next().await, app)? {
            return Ok(text.to_string());
        }
    }
}

async fn check(app: &App, text: &str, out: &Outgoing, guard: &mut ConnectionGuard) -> Result<Hello, Refusal> {
    let (v, client_id, lineage, token, ordered) = match frames::parse(text) {
        Ok(FromClient::Core(ClientFrame::Hello { v, client_id, lineage, token, ordered })) => {
            (v, client_id, lineage, token, ordered)
        }
        Ok(_) | Err(ParseError::UnknownOp(_)) => {
            return Err(Refusal::bad_frame("the first frame must be `hello`"));
        }
        Err(ParseError::Malformed(problem)) => return Err(Refusal::bad_frame(problem)),
    };
    if v != VERSION {
        let message = format!("this server speaks version {VERSION} of the protocol, not {v}");
        return Err(Refusal::new(code::BAD_VERSION, message));
    }
    names::check_client_id(&client_id)?;
    let lineage = names::parse_lineage(lineage.as_deref())?;
    let user = app.auth.authenticate(token.as_deref()).await?;
    count(app, &user, guard)?;
    let owner = Owner { user: user.name.clone(), client_id, lineage };
    let registered = register(app, owner, out, guard);
    Ok(Hello { registered, user, ordered })
}

/// Before the answer: from then on it can be disconnected.
fn register(app: &App, owner: Owner, out: &Outgoing, guard: &ConnectionGuard) -> Registered {
    app.sockets.register(guard.number, owner, guard.address, out.shared().clone())
}

/// Counts the connection for the user. Without tokens, all clients are one user, and are not limited.
fn count(app: &App, user: &User, guard: &mut ConnectionGuard) -> Result<(), Refusal> {
    let max = app.config.max_connections_per_user;
    match !app.config.asks_for_tokens() || guard.set_user(&user.name, max) {
        true => Ok(()),
        false => Err(Refusal::too_many_connections("this user", max)),
    }
}
