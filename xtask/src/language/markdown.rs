//! Markdown: its prose, and how wide its lines are.

/// How wide a line may be that is not in a table or in code.
pub(super) const WIDTH_MAX: usize = 120;

/// The text with everything blanked that is not prose: code blocks, code spans and the targets of links. Places and
/// lines stay as they are.
pub(super) fn prose(page: &str) -> String {
    let mut in_block = false;
    let mut prose = String::new();
    for line in page.split_inclusive('\n') {
        let fence = line.trim_start().starts_with("```");
        if fence || in_block {
            prose.push_str(&blank(line))
        } else {
            prose.push_str(line)
        }
        in_block ^= fence;
    }
    let prose = blank_between(&prose, "`", "`");
    blank_between(&prose, "](", ")")
}

/// Everything between two marks becomes spaces, within a paragraph.
fn blank_between(text: &str, from: &str, to: &str) -> String {
    let mut rest = text;
    let mut out = String::new();
    while let Some((before, after)) = rest.split_once(from) {
        out.push_str(before);
        out.push_str(from);
        let end = after.find(to).filter(|end| !after[..*end].contains("\n\n")).unwrap_or(0);
        out.push_str(&blank(&after[..end]));
        rest = &after[end..];
        if let Some(after) = rest.strip_prefix(to) {
            out.push_str(to);
            rest = after;
        }
    }
    out + rest
}

/// Spaces, as many bytes as the text has, and its line breaks.
fn blank(text: &str) -> String {
    text.bytes().map(|byte| if byte == b'\n' { '\n' } else { ' ' }).collect()
}

/// The lines that are too wide, and how wide they are.
pub(super) fn wide_lines(page: &str) -> Vec<(usize, usize)> {
    let mut in_block = false;
    let mut wide = Vec::new();
    for (index, line) in page.lines().enumerate() {
        let fence = line.trim_start().starts_with("```");
        in_block ^= fence;
        let width = line.chars().count();
        if width > WIDTH_MAX && !in_block && !line.trim_start().starts_with('|') && !has_url(line) {
            wide.push((index + 1, width));
        }
    }
    wide
}

/// Whether a line is too wide because of a URL, which cannot be wrapped.
fn has_url(line: &str) -> bool {
    let is_url = |word: &&str| word.contains("://") || word.contains("](");
    line.split_whitespace().filter(is_url).any(|url| url.chars().count() > WIDTH_MAX / 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_and_link_targets_are_no_prose() {
        let page = "say `told` [it](told.md)\n```\ntold\n```\ntold\n";
        assert_eq!(prose(page), "say `    ` [it](       )\n   \n    \n   \ntold\n");
    }

    #[test]
    fn tables_and_code_may_be_wide() {
        let wide = "x ".repeat(61);
        let page = format!("{wide}\n| {wide} |\n```\n{wide}\n```\nhttps://{}\n", "x".repeat(120));
        assert_eq!(wide_lines(&page), [(1, 122)]);
    }
}
