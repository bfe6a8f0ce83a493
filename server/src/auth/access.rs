//! Which channels a user may read and write: the token's claim `channels`.

use std::collections::HashMap;
use std::fmt;

use serde::de::Error;
use serde::{Deserialize, Serialize};

/// What a user wants to do with a channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Action {
    /// Subscribe to it, or read its log.
    Read,
    /// Publish or cast.
    Write,
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Action::Read => "read",
            Action::Write => "write",
        })
    }
}

/// The claim `channels: {read: [patterns], write: [patterns]}`. A token without the claim grants everything; a claim
/// grants only what it lists.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Access(Option<Box<Lists>>);

#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Lists {
    read: Vec<String>,
    write: Vec<String>,
}

// Not derived: a claim that is `null`, a list, or misspelled must not pass for another one.
impl<'de> Deserialize<'de> for Access {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut lists = HashMap::<String, Vec<String>>::deserialize(deserializer)?;
        let [read, write] = ["read", "write"].map(|name| lists.remove(name).unwrap_or_default());
        match lists.is_empty() {
            true => Ok(Access(Some(Box::new(Lists { read, write })))),
            false => Err(D::Error::custom("`channels` has `read` and `write`")),
        }
    }
}

impl Access {
    /// Whether it grants this.
    pub fn allows(&self, action: Action, ch: &str) -> bool {
        let Some(lists) = &self.0 else { return true };
        let patterns = match action {
            Action::Read => &lists.read,
            Action::Write => &lists.write,
        };
        patterns.iter().any(|pattern| matches(pattern.as_bytes(), ch.as_bytes()))
    }
}

/// `*` matches any run of characters, including none; everything else matches itself. Where the text does not continue
/// like the pattern, the last `*` takes one more character. So the time is at most the pattern's length times the
/// text's.
fn matches(pattern: &[u8], text: &[u8]) -> bool {
    let (mut p, mut t) = (0, 0);
    let mut star = None;
    while t < text.len() {
        match pattern.get(p) {
            Some(b'*') => {
                star = Some((p, t));
                p += 1;
            }
            Some(byte) if *byte == text[t] => (p, t) = (p + 1, t + 1),
            _ => {
                let Some((star_p, star_t)) = star else { return false };
                star = Some((star_p, star_t + 1));
                (p, t) = (star_p + 1, star_t + 1);
            }
        }
    }
    pattern[p..].iter().all(|byte| *byte == b'*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_matches_any_run() {
        let yes = ["*", "room-1", "room-*", "*-1", "r*m-*", "room-1*", "**", "*o*1"];
        assert!(yes.iter().all(|pattern| matches(pattern.as_bytes(), b"room-1")));
        let no = ["", "room", "room-12", "oom-1", "*-2", "r*x*1", "ROOM-1"];
        assert!(no.iter().all(|pattern| !matches(pattern.as_bytes(), b"room-1")));
        assert!(matches(b"user:*:inbox", b"user:7:sub:inbox") && matches(b"*", b"") && !matches(b"a", b""));
        // A pattern made to be slow.
        assert!(!matches("*a".repeat(50).as_bytes(), "b".repeat(200).as_bytes()));
    }

    #[test]
    fn a_claim_grants_only_what_it_lists() {
        use Action::{Read, Write};
        let all = Access::default();
        assert!(all.allows(Read, "c") && all.allows(Write, "c"));
        let reader: Access = serde_json::from_str(r#"{"read":["room-*"]}"#).unwrap();
        assert!(
            reader.allows(Read, "room-1") && !reader.allows(Read, "c") && !reader.allows(Write, "room-1")
        );
        let none: Access = serde_json::from_str("{}").unwrap();
        assert!(!none.allows(Read, "c") && !none.allows(Write, "c"));
        for bad in ["null", "[]", r#"{"read":"c"}"#, r#"{"reed":["c"]}"#] {
            assert!(serde_json::from_str::<Access>(bad).is_err(), "{bad}");
        }
    }
}
