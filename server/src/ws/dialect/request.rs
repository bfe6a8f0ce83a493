//! What a client asks for when it opens a socket: `seamline.v1` by its subprotocol, or the plain dialect by a request
//! that names a conversation.

use axum::extract::Query;
use axum::http::Uri;
use seamline::wire::{MessageId, SUBPROTOCOL, code};
use serde::Deserialize;

use super::Dialect;
use crate::limits::names;
use crate::refusal::Refusal;

/// See the module.
pub(in crate::ws) enum DialectRequest {
    /// Everything else follows in frames.
    Seamline,
    /// Everything is in the request.
    Plain(Box<PlainRequest>),
}

/// The parameters of the plain dialect.
#[derive(Deserialize)]
pub(in crate::ws) struct PlainRequest {
    #[serde(rename = "conversation_id")]
    pub ch: String,
    /// Without one, the client cannot be recognized, and no position is stored.
    pub client_id: Option<String>,
    /// The page loads that it continues.
    #[serde(default, deserialize_with = "lineage")]
    pub lineage: Vec<String>,
    /// The replay begins after this message.
    #[serde(default, deserialize_with = "id")]
    pub last_message_id: Option<MessageId>,
    pub token: Option<String>,
}

fn id<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<MessageId>, D::Error> {
    String::deserialize(deserializer)?.parse().map(Some).map_err(serde::de::Error::custom)
}

fn lineage<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    let names = names::parse_lineage(Some(&String::deserialize(deserializer)?));
    names.map_err(|refusal| serde::de::Error::custom(refusal.message))
}

impl DialectRequest {
    pub fn dialect(&self) -> Dialect {
        match self {
            DialectRequest::Seamline => Dialect::Seamline,
            DialectRequest::Plain(_) => Dialect::Plain,
        }
    }

    /// Reads a request that asks for no subprotocol. A refusal does not repeat what the request said, which may be a
    /// token.
    pub fn plain(uri: &Uri) -> Result<Self, Refusal> {
        let bad = |message: String| Refusal::new(code::BAD_QUERY, message);
        let named = uri.query().unwrap_or_default().split('&').any(|it| it.starts_with("conversation_id="));
        if !named {
            return Err(bad(format!(
                "ask for the WebSocket subprotocol `{SUBPROTOCOL}`, or name a channel in the query: \
                 `?conversation_id=…`"
            )));
        }
        let Query(request) = Query::<PlainRequest>::try_from_uri(uri).map_err(|e| bad(e.body_text()))?;
        let channel = names::check_channel(&request.ch);
        channel.map_err(|refusal| bad(format!("`conversation_id`: {}", refusal.message)))?;
        request.client_id.as_deref().map_or(Ok(()), names::check_client_id)?;
        Ok(DialectRequest::Plain(Box::new(request)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(query: &str) -> Result<PlainRequest, Refusal> {
        match DialectRequest::plain(&format!("/ws?{query}").parse().unwrap())? {
            DialectRequest::Plain(request) => Ok(*request),
            DialectRequest::Seamline => panic!("nobody asked for it"),
        }
    }

    #[test]
    fn a_request_has_everything() {
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
    fn a_bad_request_is_explained() {
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
            let message = plain(query).err().map(|refusal| refusal.message).unwrap_or_default();
            assert!(message.contains(why) && !message.contains("secret"), "{query}: {message}");
        }
    }
}
