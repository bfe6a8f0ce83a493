//! The trace, one line per event: always as a hash, and as text on request.

/// FNV-1a over the events.
pub struct Trace {
    hash: u64,
    lines: Option<Vec<String>>,
}

impl Trace {
    pub fn new(readable: bool) -> Self {
        Trace { hash: 0xcbf2_9ce4_8422_2325, lines: readable.then(Vec::new) }
    }

    /// An event: a word or two, and numbers.
    pub fn note(&mut self, now_ms: u64, what: &'static str, numbers: &[u64]) {
        for &number in [now_ms, what.len() as u64].iter().chain(numbers) {
            self.hash = (self.hash ^ number).wrapping_mul(0x0000_0100_0000_01b3).rotate_left(23);
        }
        if let Some(lines) = &mut self.lines {
            let numbers: Vec<String> = numbers.iter().map(u64::to_string).collect();
            let (s, ms) = (now_ms / 1_000, now_ms % 1_000);
            lines.push(format!("{s:6}.{ms:03}  {what} {}", numbers.join(" ")));
        }
    }

    pub fn hash(&self) -> u64 {
        self.hash
    }

    /// The last lines.
    pub fn tail(&self, count: usize) -> &[String] {
        let lines = self.lines.as_deref().unwrap_or_default();
        &lines[lines.len().saturating_sub(count)..]
    }
}
