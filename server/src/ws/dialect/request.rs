//! What a client asks for when it opens a socket: `seamline.v1` by its subprotocol, the plain dialect by a
//! request that names a conversation.

use axum::extract::Query;
use axum::http::Uri;
use seamline::wire::{MessageId, SUBPROTOCOL};
use serde::Deserialize;

use super::Dialect;
use crate::limits::names;

/// See the module.
pub(in crate::ws) enum Opening {
    /// Everything else comes in frames.
    Seamline,
    /// Everything is in the request.
    Plain(Box<PlainRequest>),
}

/// The parameters of the plain dialect.
#[derive(Deserialize)]
pub(in crate::ws) struct PlainRequest {
    #[serde(rename = "conversation_id")]
    pub ch: String,
    /// Without one, nobody can be recognised: no position is stored.
    pub client_id: Option<String>,
    /// The page loads that it continues.
    #[serde(default, deserialize_with = "lineage")]
    pub lineage: Vec<String>,
    /// The replay begins after this one.
    #[serde(default, deserialize_with = "id")]
    pub last_message_id: Option<MessageId>,
    pub token: Option<String>,
}

fn id<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<MessageId>, D::Error> {
    String::deserialize(deserializer)?.parse().map(Some).map_err(serde::de::Error::custom)
}

fn lineage<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    names::lineage(Some(&String::deserialize(deserializer)?)).map_err(serde::de::Error::custom)
}

impl Opening {
    pub fn dialect(&self) -> Dialect {
        match self {
            Opening::Seamline => Dialect::Seamline,
            Opening::Plain(_) => Dialect::Plain,
        }
    }

    /// Reads a request that asks for no subprotocol; or says what is wrong with it, in a sentence that does not
    /// repeat what it said.
    pub fn plain(uri: &Uri) -> Result<Self, String> {
        let named = uri.query().unwrap_or_default().split('&').any(|it| it.starts_with("conversation_id="));
        if !named {
            return Err(format!(
                "ask for the WebSocket subprotocol `{SUBPROTOCOL}`, or name a channel in the query: \
                 `?conversation_id=…`"
            ));
        }
        let Query(request) = Query::<PlainRequest>::try_from_uri(uri).map_err(|e| e.body_text())?;
        let channel =
            names::channel_problem(&request.ch).map(|problem| format!("`conversation_id`: {problem}"));
        let client = request.client_id.as_deref().and_then(names::client_id_problem).map(String::from);
        match channel.or(client) {
            Some(problem) => Err(problem),
            None => Ok(Opening::Plain(Box::new(request))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(query: &str) -> Result<PlainRequest, String> {
        match Opening::plain(&format!("/ws?{query}").parse().unwrap())? {
            Opening::Plain(request) => Ok(*request),
            Opening::Seamline => panic!("nobody asked for it"),
        }
    }

    #[test]
    fn a_request_says_everything() {
        let request =
            plain("conversation_id=a%2Fb&user_id=u&token=t&client_id=tab&lineage=b%20a&last_message_id=5-1")
                .unwrap();
        let id = Some(MessageId { ms: 5, seq: 1 });
        assert_eq!((request.ch.as_str(), request.last_message_id), ("a/b", id));
        assert_eq!((request.client_id.as_deref(), request.token.as_deref()), (Some("tab"), Some("t")));
        assert_eq!(request.lineage, ["b", "a"]);
        assert!(
            plain("conversation_id=c")
                .is_ok_and(|request| request.client_id.is_none() && request.lineage.is_empty())
        );
    }

    #[test]
    fn a_request_that_cannot_be_met_is_told_why() {
        for (query, why) in [
            ("", "seamline.v1"),
            ("channel=c", "conversation_id"),
            ("conversation_id=", "1 to 200 bytes"),
            ("conversation_id=%00", "1 to 200 bytes"),
            ("conversation_id=c&client_id=", "client_id"),
            ("conversation_id=c&client_id=c&lineage=", "lineage"),
            ("conversation_id=c&last_message_id=5", "<milliseconds>-<sequence>"),
            ("conversation_id=c&last_message_id=", "<milliseconds>-<sequence>"),
            ("conversation_id=c&token=secret&token=secret", "token"),
        ] {
            let told = plain(query).err().unwrap_or_default();
            assert!(told.contains(why) && !told.contains("secret"), "{query}: {told}");
        }
    }
}
