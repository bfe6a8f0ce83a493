//! Which channels a user may read and write: the token's claim `channels`.

use std::collections::HashMap;

use serde::Deserialize;
use serde::de::Error;

/// The claim `channels: {read: [patterns], write: [patterns]}`. A token without the claim may do everything;
/// in a claim that is there, what is not listed is not allowed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Access(Option<Lists>);

#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Lists {
    read: Vec<String>,
    write: Vec<String>,
}

// Not derived: a claim that is `null`, a list, or misspelt must not pass for another one.
impl<'de> Deserialize<'de> for Access {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut lists = HashMap::<String, Vec<String>>::deserialize(deserializer)?;
        let [read, write] = ["read", "write"].map(|name| lists.remove(name).unwrap_or_default());
        match lists.is_empty() {
            true => Ok(Access(Some(Lists { read, write }))),
            false => Err(D::Error::custom("`channels` has `read` and `write`")),
        }
    }
}

impl Access {
    /// Whether they may subscribe to the channel and read it.
    pub fn may_read(&self, ch: &str) -> bool {
        self.0.as_ref().is_none_or(|lists| matches_any(&lists.read, ch))
    }

    /// Whether they may publish and cast in it.
    pub fn may_write(&self, ch: &str) -> bool {
        self.0.as_ref().is_none_or(|lists| matches_any(&lists.write, ch))
    }
}

fn matches_any(patterns: &[String], ch: &str) -> bool {
    patterns.iter().any(|pattern| matches(pattern.as_bytes(), ch.as_bytes()))
}

/// `*` stands for any run of characters, also none; all else for itself. When the text does not go on as the
/// pattern does, the last `*` takes one character more: no pattern takes longer than its length times the text's.
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
    fn a_star_stands_for_any_run() {
        let yes = ["*", "room-1", "room-*", "*-1", "r*m-*", "room-1*", "**", "*o*1"];
        assert!(yes.iter().all(|pattern| matches(pattern.as_bytes(), b"room-1")));
        let no = ["", "room", "room-12", "oom-1", "*-2", "r*x*1", "ROOM-1"];
        assert!(no.iter().all(|pattern| !matches(pattern.as_bytes(), b"room-1")));
        assert!(matches(b"user:*:inbox", b"user:7:sub:inbox") && matches(b"*", b"") && !matches(b"a", b""));
        // A pattern made to be slow.
        assert!(!matches("*a".repeat(50).as_bytes(), "b".repeat(200).as_bytes()));
    }

    #[test]
    fn only_a_token_without_the_claim_may_do_everything() {
        let all = Access::default();
        assert!(all.may_read("c") && all.may_write("c"));
        let reader: Access = serde_json::from_str(r#"{"read":["room-*"]}"#).unwrap();
        assert!(reader.may_read("room-1") && !reader.may_read("c") && !reader.may_write("room-1"));
        let none: Access = serde_json::from_str("{}").unwrap();
        assert!(!none.may_read("c") && !none.may_write("c"));
        for bad in ["null", "[]", r#"{"read":"c"}"#, r#"{"reed":["c"]}"#] {
            assert!(serde_json::from_str::<Access>(bad).is_err(), "{bad}");
        }
    }
}
