//! Whose processed positions are stored, and under which names.
//!
//! A client id does not tell apart the copies of a page: a duplicated tab has the same one. If they shared
//! one position, the faster copy would move it past messages that the slower one has not processed, and the
//! slower one would miss them after its next reload. So each page load has a position of its own, and resumes
//! at that of the page load it continues.

use std::borrow::Cow;

use seamline::wire::Position;

/// Under what a processed position is stored.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct PositionKey {
    /// The user, as the token names it.
    pub user: String,
    /// The client, as it names itself.
    pub client_id: String,
    /// The page load; without one, it is the position of the whole client, the furthest of all its page
    /// loads.
    pub page_load: Option<String>,
    /// The channel.
    pub ch: String,
}

impl PositionKey {
    /// The client and the page load in one text, different for any two that differ: U+0000, which no page
    /// load has in its name, stands alone between them, and doubled where a client id has it.
    pub(super) fn client(&self) -> Cow<'_, str> {
        let PositionKey { client_id, page_load, .. } = self;
        match page_load {
            None if !client_id.contains('\0') => Cow::Borrowed(client_id),
            None => Cow::Owned(client_id.replace('\0', "\0\0")),
            Some(page_load) => Cow::Owned(format!("{}\0{page_load}", client_id.replace('\0', "\0\0"))),
        }
    }
}

/// A client, and which of its page loads it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owner {
    /// The user, as the token names it.
    pub user: String,
    /// The client, as it names itself.
    pub client_id: String,
    /// This page load and the earlier ones that it continues, newest first; empty where it did not say.
    pub lineage: Vec<String>,
}

impl Owner {
    /// The keys under which its position in a channel may be stored, in the order of the lookup.
    pub fn lookup_keys(&self, ch: &str) -> Vec<PositionKey> {
        let page_loads = self.lineage.iter().cloned().map(Some);
        page_loads.chain([None]).map(|page_load| self.key(page_load, ch)).collect()
    }

    /// The keys under which its position is stored: its own page load's, and the client's.
    pub fn store_keys(&self, ch: &str) -> impl Iterator<Item = PositionKey> {
        self.own_key(ch).into_iter().chain([self.key(None, ch)])
    }

    /// The key under which no other page load stores, if it has one.
    pub fn own_key(&self, ch: &str) -> Option<PositionKey> {
        self.lineage.first().map(|own| self.key(Some(own.clone()), ch))
    }

    fn key(&self, page_load: Option<String>, ch: &str) -> PositionKey {
        PositionKey { user: self.user.clone(), client_id: self.client_id.clone(), page_load, ch: ch.into() }
    }
}

/// Where a client resumes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Resumed {
    /// After the position that was stored for it.
    Stored(Position),
    /// None was stored: it starts at this end of the log.
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
    fn clients_and_page_loads_never_meet() {
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
    fn a_page_load_stores_under_its_own_name_and_looks_up_the_earlier_ones() {
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
