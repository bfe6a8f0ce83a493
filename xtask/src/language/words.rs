//! The words that the style guide rejects, and where a text has them.

/// A rejected word or phrase.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Word {
    pub not: String,
    pub say: String,
}

/// All rejected words.
pub(super) struct Words(Vec<Word>);

/// The head of the guide's table.
const HEAD: &str = "| for | say | do not say |";

impl Words {
    /// The words in `code` in the last column of the guide's table.
    pub fn of_guide(guide: &str) -> Self {
        let (_, table) = guide.split_once(HEAD).expect("the style guide has its table");
        let rows = table.lines().skip(2).take_while(|line| line.starts_with('|'));
        let words: Vec<Word> = rows.flat_map(row).collect();
        assert!(!words.is_empty(), "the table of the style guide rejects nothing");
        Words(words)
    }

    /// The rejected words in a text, each with its place in bytes.
    pub fn find(&self, text: &str) -> Vec<(usize, &Word)> {
        let text_words = split(text);
        let mut found = Vec::new();
        for word in &self.0 {
            let phrase: Vec<&str> = word.not.split(' ').collect();
            for window in text_words.windows(phrase.len()) {
                if is_phrase(text, window, &phrase) {
                    found.push((window[0].0, word));
                }
            }
        }
        found.sort_by_key(|(at, _)| *at);
        found
    }
}

fn row(line: &str) -> Vec<Word> {
    let cells: Vec<&str> = line.trim_matches('|').split(" | ").map(str::trim).collect();
    let [_, say, not] = cells[..] else {
        panic!("a row of the style guide does not have three cells: {line}")
    };
    let rejected = not.split('`').skip(1).step_by(2);
    rejected.map(|not| Word { not: not.to_lowercase(), say: say.to_owned() }).collect()
}

/// The words of a text with their places.
fn split(text: &str) -> Vec<(usize, &str)> {
    let is_letter = |c: char| c.is_alphanumeric() || c == '\'' || c == '_';
    let mut words = Vec::new();
    let mut start = None;
    for (at, c) in text.char_indices().chain([(text.len(), ' ')]) {
        match (is_letter(c), start) {
            (true, None) => start = Some(at),
            (false, Some(from)) => {
                words.push((from, &text[from..at]));
                start = None;
            }
            _ => {}
        }
    }
    words
}

/// Whether these words of the text are the phrase, with nothing but white space between them. A `\` is white space: it
/// continues a string on the next line.
fn is_phrase(text: &str, window: &[(usize, &str)], phrase: &[&str]) -> bool {
    let same = window.iter().zip(phrase).all(|((_, word), expected)| word.to_lowercase() == *expected);
    let between = |pair: &[(usize, &str)]| &text[pair[0].0 + pair[0].1.len()..pair[1].0];
    let is_space = |c: char| c.is_whitespace() || matches!(c, '\\' | '*' | '/');
    same && window.windows(2).all(|pair| between(pair).chars().all(is_space))
}

#[cfg(test)]
mod tests {
    use super::*;

    const GUIDE: &str =
        "\n| for | say | do not say |\n|---|---|---|\n| a | drop | `let go of`, judge |\n\ntext";

    #[test]
    fn the_guide_rejects_what_is_in_code() {
        let words = Words::of_guide(GUIDE);
        assert_eq!(words.0, [Word { not: "let go of".into(), say: "drop".into() }]);
    }

    #[test]
    fn a_phrase_is_found_across_lines_and_in_any_case() {
        let words = Words::of_guide(GUIDE);
        let at = |text| words.find(text).into_iter().map(|(at, _)| at).collect::<Vec<_>>();
        assert_eq!(at("it is Let go\n    of; let go \\\n of"), [6, 21]);
        assert_eq!(at("let go. Of; outlet go of"), [0; 0]);
    }
}
