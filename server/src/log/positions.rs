//! The keys under which acknowledged positions are stored.
//!
//! Copies of a page share a client id, as a duplicated tab does. If they also shared a position, the faster copy would
//! move it past messages that the slower one has not processed, and the slower one would miss them after its next
//! reload. So each page load has a position of its own, and resumes at the position of the page load that it continues.

use std::borrow::Cow;
use std::sync::Arc;

use seamline::wire::Position;

/// The key of an acknowledged position.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct PositionKey {
    /// The user, from the token.
    pub user: String,
    /// The client id that the client chose.
    pub client_id: String,
    /// The page load. `None` is the key of the whole client, with the furthest position of all its page loads.
    pub page_load: Option<String>,
    /// The channel.
    pub ch: String,
}

impl PositionKey {
    /// Client id and page load in one unambiguous text. U+0000 separates them: a page load's name cannot contain it,
    /// and it is doubled inside a client id.
    pub(super) fn client(&self) -> Cow<'_, str> {
        let PositionKey { client_id, page_load, .. } = self;
        match page_load {
            None if !client_id.contains('\0') => Cow::Borrowed(client_id),
            None => Cow::Owned(client_id.replace('\0', "\0\0")),
            Some(page_load) => Cow::Owned(format!("{}\0{page_load}", client_id.replace('\0', "\0\0"))),
        }
    }
}

/// A client and its page load.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owner {
    /// The user, from the token.
    pub user: Arc<str>,
    /// The client id that the client chose.
    pub client_id: String,
    /// This page load and the earlier ones that it continues, newest first; empty if the client sent none.
    pub lineage: Vec<String>,
}

impl Owner {
    /// The keys under which its position in a channel may be stored, in lookup order.
    pub fn lookup_keys(&self, ch: &str) -> Vec<PositionKey> {
        let page_loads = self.lineage.iter().cloned().map(Some);
        page_loads.chain([None]).map(|page_load| self.key(page_load, ch)).collect()
    }

    /// The keys under which its position is stored: that of its page load and that of the whole client.
    pub fn store_keys(&self, ch: &str) -> impl Iterator<Item = PositionKey> {
        self.own_key(ch).into_iter().chain([self.key(None, ch)])
    }

    /// The key of its page load, if the client sent a lineage.
    pub fn own_key(&self, ch: &str) -> Option<PositionKey> {
        self.lineage.first().map(|own| self.key(Some(own.clone()), ch))
    }

    fn key(&self, page_load: Option<String>, ch: &str) -> PositionKey {
        PositionKey {
            user: self.user.to_string(),
            client_id: self.client_id.clone(),
            page_load,
            ch: ch.into(),
        }
    }
}

/// Where a client resumes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Resumed {
    /// After the position that was stored for it.
    Stored(Position),
    /// At the start or the end of the log, because no position was stored.
    StartPoint(Position),
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(client_id: &str, page_load: Option<&str>) -> PositionKey {
        let page_load = page_load.map(str::to_owned);
        PositionKey { user: "ada".into(), client_id: client_id.into(), page_load, ch: "c".into() }
    }

    #[test]
    fn keys_of_different_page_loads_differ() {
        let keys = [
            key("a", None),
            key("a", Some("b")),
            key("a\0b", None),
            key("a\0", Some("b")),
            key("a\0\0b", None),
            key("ab", None),
        ];
        for (i, one) in keys.iter().enumerate() {
            for other in &keys[i + 1..] {
                assert_ne!(one.client(), other.client());
            }
        }
        assert_eq!(keys[0].client(), "a");
    }

    #[test]
    fn a_page_load_stores_its_own_key_and_looks_up_earlier_ones() {
        let lineage = vec!["new".to_owned(), "old".to_owned()];
        let owner = Owner { user: "ada".into(), client_id: "tab".into(), lineage };
        let names = |keys: &mut dyn Iterator<Item = PositionKey>| -> Vec<_> {
            keys.map(|key| key.page_load).collect()
        };
        let (new, old) = (Some("new".to_owned()), Some("old".to_owned()));
        assert_eq!(names(&mut owner.lookup_keys("c").into_iter()), [new.clone(), old, None]);
        assert_eq!(names(&mut owner.store_keys("c")), [new, None]);
        let owner = Owner { lineage: Vec::new(), ..owner };
        assert_eq!(names(&mut owner.lookup_keys("c").into_iter()), [None]);
        assert_eq!(names(&mut owner.store_keys("c")), [None]);
    }
}
