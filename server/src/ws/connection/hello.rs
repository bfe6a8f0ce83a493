//! Who it is: the first frame, or, in the plain dialect, the request.

use std::time::Duration;

use futures::StreamExt;
use futures::stream::SplitStream;
use seamline::wire::{ClientFrame, VERSION, close};
use tokio::time::timeout;

use super::end::End;
use super::incoming::{Received, received};
use crate::auth::User;
use crate::limits::connections::Entry;
use crate::limits::names;
use crate::log::Owner;
use crate::state::App;
use crate::ws::Socket;
use crate::ws::dialect::frames::{self, NotAFrame, ToClient};
use crate::ws::dialect::request::PlainRequest;
use crate::ws::writer::Outgoing;

/// A user with too many connections comes back after so long.
const RETRY_AFTER_MS: u64 = 10_000;
const TOO_MANY: &str = "this user has too many connections";

/// What the client said of itself.
pub(in crate::ws) struct Hello {
    pub owner: Owner,
    pub user: User,
    /// It sends publications again that are refused for now, and wants them to keep their order.
    pub ordered: bool,
}

/// Waits for `hello` and answers it.
pub(in crate::ws) async fn greet(
    app: &App,
    stream: &mut SplitStream<Socket>,
    out: &Outgoing,
    session: &str,
    entry: &mut Entry,
) -> Result<Hello, End> {
    let limit = Duration::from_millis(app.config.hello_timeout_ms);
    let text = match timeout(limit, first_text(app, stream)).await {
        Ok(text) => text?,
        Err(_) => return Err(End::close(close::HELLO_TIMEOUT, format!("no `hello` within {limit:?}"))),
    };
    let hello = match frames::parse(&text) {
        Ok(ClientFrame::Hello { v, client_id, lineage, token, ordered }) => {
            let hello = check(app, v, client_id, lineage.as_deref(), token.as_deref());
            hello.map(|hello| Hello { ordered, ..hello })
        }
        Ok(_) | Err(NotAFrame::UnknownOp(_)) => Err(bad("the first frame must be `hello`")),
        Err(NotAFrame::Bad(problem)) => Err(bad(problem)),
    };
    if let Ok(Hello { user, .. }) = &hello
        && !room_for(app, user, entry)
    {
        return Err(too_many(out).await);
    }
    match hello {
        Ok(hello) => {
            entry.name(&hello.owner.client_id); // whoever is answered can be found by its name
            let (heartbeat_ms, max_frame_bytes) = (app.config.heartbeat_ms, app.config.max_frame_bytes);
            let session = session.to_owned();
            let welcome = ToClient::Welcome { session, heartbeat_ms, max_frame_bytes };
            out.answer(&welcome).await?;
            Ok(hello)
        }
        Err((code, word, message)) => {
            out.answer(&frames::err(word, &message, None)).await?;
            Err(End::close(code, message))
        }
    }
}

/// As [`greet`], where the request says everything. A page is shown a close code, and not the status of a refused
/// handshake: so what a fresh token may change is refused by closing.
pub(in crate::ws) fn admit(app: &App, request: &PlainRequest, entry: &mut Entry) -> Result<Hello, End> {
    let refused = |e: crate::auth::Refused| End::close(close::UNAUTHORIZED, e);
    let user = app.auth.check(request.token.as_deref()).map_err(refused)?;
    if !user.access.may_read(&request.ch) {
        return Err(End::close(close::FORBIDDEN, "the token does not allow to read this channel"));
    }
    if !room_for(app, &user, entry) {
        return Err(End::close(close::TOO_FAST, TOO_MANY));
    }
    let client_id = request.client_id.clone().unwrap_or_else(crate::random::name);
    entry.name(&client_id);
    // Without a client id, nobody could ask for a stored position again.
    let lineage = request.client_id.as_ref().map_or(Vec::new(), |_| request.lineage.clone());
    let owner = Owner { user: user.name.clone(), client_id, lineage };
    Ok(Hello { owner, user, ordered: false })
}

/// Counts the socket among the user's.
fn room_for(app: &App, user: &User, entry: &mut Entry) -> bool {
    !app.config.asks_for_tokens() || entry.belongs_to(&user.name, app.config.max_connections_per_user)
}

/// The user has as many sockets as they may have. Later there may be room.
async fn too_many(out: &Outgoing) -> End {
    let frame = ToClient::Err {
        code: "too_many_connections".into(),
        message: TOO_MANY.into(),
        ch: None,
        reference: None,
        retry_after_ms: Some(RETRY_AFTER_MS),
    };
    match out.answer(&frame).await {
        Ok(()) => End::close(close::TOO_FAST, TOO_MANY),
        Err(gone) => gone.into(),
    }
}

type Refusal = (u16, &'static str, String);

fn bad(problem: impl ToString) -> Refusal {
    (close::BAD_FRAME, "bad_frame", problem.to_string())
}

fn check(
    app: &App,
    v: u32,
    client_id: String,
    lineage: Option<&str>,
    token: Option<&str>,
) -> Result<Hello, Refusal> {
    if v != VERSION {
        let message = format!("this server speaks version {VERSION} of the protocol, not {v}");
        return Err((close::BAD_FRAME, "bad_version", message));
    }
    if let Some(problem) = names::client_id_problem(&client_id) {
        return Err(bad(problem));
    }
    let lineage = names::lineage(lineage).map_err(bad)?;
    let refused = |e: crate::auth::Refused| (close::UNAUTHORIZED, "unauthorized", e.to_string());
    let user = app.auth.check(token).map_err(refused)?;
    let owner = Owner { user: user.name.clone(), client_id, lineage };
    Ok(Hello { owner, user, ordered: false })
}

async fn first_text(app: &App, stream: &mut SplitStream<Socket>) -> Result<String, End> {
    loop {
        if let Received::Text(text) = received(stream.next().await, app)? {
            return Ok(text.to_string());
        }
    }
}

/// A `token` frame must name the same user: what is subscribed belongs to that one.
pub(in crate::ws) fn renew(app: &App, user: &mut User, token: &str) -> Result<(), Refusal> {
    let renewed =
        app.auth.check(Some(token)).map_err(|e| (close::UNAUTHORIZED, "unauthorized", e.to_string()))?;
    if renewed.name != user.name {
        return Err((close::FORBIDDEN, "forbidden", "the new token belongs to another user".into()));
    }
    *user = renewed;
    Ok(())
}
