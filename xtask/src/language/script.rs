//! The texts in JavaScript and TypeScript: string literals and comments.

use super::Text;

/// Strings of more than one word, and comments that have lines of their own. It reads line by line, so a quotation mark
/// in a regular expression misleads it to the end of that line at most.
pub(super) fn texts(code: &str) -> Vec<Text> {
    let mut texts: Vec<Text> = Vec::new();
    let mut in_block = false;
    let mut continues = false;
    for (index, line) in code.lines().enumerate() {
        let start = line.trim_start();
        in_block |= start.starts_with("/*");
        let is_comment = in_block || start.starts_with("//");
        match texts.last_mut() {
            Some(last) if is_comment && continues => last.text = format!("{}\n{line}", last.text),
            _ if is_comment => texts.push(Text { line: index + 1, text: line.to_owned() }),
            _ => texts.extend(
                strings(line).into_iter().map(|text| Text { line: index + 1, text: text.to_owned() }),
            ),
        }
        continues = is_comment;
        in_block &= !line.contains("*/");
    }
    texts
}

/// The strings of a line that have more than one word.
fn strings(line: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let mut rest = line;
    while let Some(start) = rest.find(['"', '\'', '`']) {
        let mark = rest[start..].chars().next().expect("a mark was found");
        rest = &rest[start + 1..];
        let end = end_of_string(rest, mark);
        if rest[..end].contains(' ') {
            found.push(&rest[..end]);
        }
        rest = rest.get(end + 1..).unwrap_or("");
    }
    found
}

/// Where a string ends: at the same mark, if there is no `\` before it.
fn end_of_string(text: &str, mark: char) -> usize {
    let mut escaped = false;
    for (at, c) in text.char_indices() {
        if c == mark && !escaped {
            return at;
        }
        escaped = c == '\\' && !escaped;
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_and_comments_are_found_with_their_lines() {
        let code = "/**\n * One.\n */\nf(\"a 'b\\\" c\", 'd', `e f`);\n// Two\n// three.\n";
        let found: Vec<(usize, String)> =
            texts(code).into_iter().map(|text| (text.line, text.text)).collect();
        let expected = [(1, "/**\n * One.\n */"), (4, "a 'b\\\" c"), (4, "e f"), (5, "// Two\n// three.")];
        assert_eq!(found, expected.map(|(line, text)| (line, text.to_owned())));
    }
}
