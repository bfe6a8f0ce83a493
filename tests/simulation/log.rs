//! The model's logs. Unlike a real log, they remember what was at each offset, and when.

use std::collections::HashMap;

use seamline::wire::MessageId;

/// One history of a channel.
#[derive(Default)]
pub struct Epoch {
    /// The message at each offset, from offset 1 on, including those that were trimmed.
    messages: Vec<u64>,
    /// The oldest offset that is still there, less 1.
    pub trimmed: u64,
    /// The largest value that this ever had (an older log may come back).
    trimmed_max: u64,
    /// Offsets that are lost in the middle.
    lost: Vec<u64>,
    /// The messages before the log was rewound.
    overwritten: Vec<(u64, u64)>,
    /// The heads that the log was rewound to.
    rewound_to: Vec<u64>,
    /// Messages after this cannot be read until all faults end, so a subscriber may miss them. Then their end
    /// is known.
    unreadable: Vec<(u64, Option<u64>)>,
    /// Idempotency keys, and what they were stored as.
    keys: HashMap<String, u64>,
}

impl Epoch {
    pub fn head(&self) -> u64 {
        self.messages.len() as u64
    }

    /// The contiguous run of messages that comes next after an offset.
    pub fn page(&self, after: u64, count_max: u64) -> (u64, Vec<u64>) {
        let mut n = after.max(self.trimmed) + 1;
        while self.lost.contains(&n) {
            n += 1;
        }
        let mut end = n;
        while end <= self.head() && end - n < count_max && !self.lost.contains(&end) {
            end += 1;
        }
        (n, (n..end).map(|offset| self.messages[offset as usize - 1]).collect())
    }

    /// The messages after an offset: (offset, message).
    pub fn after(&self, offset: u64) -> Vec<(u64, u64)> {
        let there = |n: &u64| *n > self.trimmed && !self.lost.contains(n);
        (offset + 1..=self.head()).filter(there).map(|n| (n, self.messages[n as usize - 1])).collect()
    }

    /// Whether this message was ever at this offset.
    pub fn had(&self, offset: u64, message: u64) -> bool {
        self.messages.get(offset as usize - 1) == Some(&message)
            || self.overwritten.contains(&(offset, message))
    }

    /// Whether a subscriber could not have received these.
    pub fn lost_all(&self, from: u64, to: u64) -> bool {
        let unreadable = |offset: u64| {
            self.unreadable.iter().any(|&(after, end)| offset > after && end.is_none_or(|end| offset <= end))
        };
        let gone = |offset| offset <= self.trimmed_max || self.lost.contains(&offset) || unreadable(offset);
        (from..=to).all(gone)
    }

    /// The end of what can be read.
    pub fn readable(&self) -> u64 {
        match self.unreadable.last() {
            Some(&(after, None)) => after.min(self.head()),
            _ => self.head(),
        }
    }

    /// Whether the log was ever cut back to this head.
    pub fn was_rewound_to(&self, head: u64) -> bool {
        self.rewound_to.contains(&head)
    }

    fn rewind(&mut self, head: u64) {
        for offset in head + 1..=self.head() {
            self.overwritten.push((offset, self.messages[offset as usize - 1]));
        }
        self.messages.truncate(head as usize);
        self.trimmed = self.trimmed.min(head);
        self.lost.retain(|&offset| offset <= head);
        self.keys.retain(|_, offset| *offset <= head);
        self.rewound_to.push(head);
    }
}

/// The log of one channel, with all its epochs.
pub struct Log {
    pub epochs: Vec<Epoch>,
}

impl Log {
    pub fn new() -> Self {
        Log { epochs: vec![Epoch::default()] }
    }

    /// The number of the current epoch.
    pub fn epoch(&self) -> u64 {
        self.epochs.len() as u64 - 1
    }

    pub fn now(&self) -> &Epoch {
        self.epochs.last().expect("there is one from the beginning")
    }

    fn now_mut(&mut self) -> &mut Epoch {
        self.epochs.last_mut().expect("there is one from the beginning")
    }

    /// Stores a message, unless its key is known: then it is stored already.
    pub fn append(&mut self, key: Option<&str>, message: u64) -> (u64, bool) {
        let epoch = self.now_mut();
        if let Some(&offset) = key.and_then(|key| epoch.keys.get(key)) {
            return (offset, false);
        }
        epoch.messages.push(message);
        let offset = epoch.head();
        if let Some(key) = key {
            epoch.keys.insert(key.to_owned(), offset);
        }
        (offset, true)
    }

    /// From now on, new messages cannot be read. Nor can those that were published a moment ago.
    pub fn stick(&mut self, behind: u64) {
        let epoch = self.now_mut();
        if epoch.readable() == epoch.head() {
            epoch.unreadable.push((epoch.head().saturating_sub(behind), None));
        }
    }

    /// Everything can be read again.
    pub fn unstick(&mut self) {
        let epoch = self.now_mut();
        let head = epoch.head();
        if let Some((_, end @ None)) = epoch.unreadable.last_mut() {
            *end = Some(head);
        }
    }

    /// The largest of a page's publications that this log has. Their keys end with their number.
    pub fn newest_of(&self, page: &str) -> u64 {
        let of_page = |key: &String| key.strip_prefix(page)?.parse::<u64>().ok();
        self.now().keys.keys().filter_map(of_page).max().unwrap_or(0)
    }

    pub fn trim(&mut self, offset: u64) {
        let epoch = self.now_mut();
        epoch.trimmed = epoch.trimmed.max(offset.min(epoch.head()));
        epoch.trimmed_max = epoch.trimmed_max.max(epoch.trimmed);
    }

    pub fn lose(&mut self, offset: u64) {
        self.now_mut().lost.push(offset);
    }

    pub fn replace(&mut self) {
        self.epochs.push(Epoch::default());
    }

    pub fn rewind(&mut self, head: u64) {
        self.now_mut().rewind(head);
    }
}

pub fn epoch_name(epoch: u64) -> String {
    format!("e{epoch}")
}

/// `u64::MAX` where it is not one of the model's names.
pub fn epoch_number(name: &str) -> u64 {
    name.strip_prefix('e').and_then(|digits| digits.parse().ok()).unwrap_or(u64::MAX)
}

pub fn message_id(epoch: u64, offset: u64, message: u64) -> MessageId {
    MessageId { ms: 1_700_000_000_000 + epoch * 1_000_000 + offset, seq: message }
}

pub fn channel_name(ch: usize) -> String {
    format!("c{ch}")
}

pub fn channel_number(name: &str) -> usize {
    name.strip_prefix('c').and_then(|digits| digits.parse().ok()).unwrap_or(usize::MAX)
}
