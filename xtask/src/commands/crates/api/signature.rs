//! The text of an item without its body.

/// What stands before the body, on one line, without comments and attributes.
pub fn head(source: &str) -> String {
    let mut words = String::new();
    for line in
        source.lines().map(str::trim).filter(|line| !line.starts_with("//") && !line.starts_with("#["))
    {
        words.push_str(line.split(" // ").next().unwrap_or_default());
        words.push(' ');
    }
    let end = body(&words).unwrap_or(words.len());
    let head = words[..end].split_whitespace().collect::<Vec<_>>().join(" ");
    // As rustfmt writes it on one line.
    let one_line = [("( ", "("), (", )", ")"), (" )", ")"), ("< ", "<"), (", >", ">"), (", }", " }")];
    let head = one_line.iter().fold(head, |head, (from, to)| head.replace(from, to));
    head.trim_end_matches([';', ',', ' ']).to_string()
}

/// Where the body begins: after a function or a type, at the brace. A variant has its fields in braces.
fn body(text: &str) -> Option<usize> {
    let is_item = text.starts_with("pub") || text.starts_with("impl") || text.contains("fn ");
    is_item.then(|| text.find('{')).flatten()
}

/// A struct without its fields.
pub fn before_fields(head: &str) -> String {
    head.split(['(', '{']).next().unwrap_or_default().trim_end().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_function_ends_before_its_body() {
        let source = "pub fn publish<T: Serialize + ?Sized>(\n    &self,\n    data: &T, // any\n) -> Result<(), Error> {\n    todo!()\n}";
        assert_eq!(
            head(source),
            "pub fn publish<T: Serialize + ?Sized>(&self, data: &T) -> Result<(), Error>"
        );
        assert_eq!(head("fn now(&self) -> Instant;"), "fn now(&self) -> Instant");
    }

    #[test]
    fn a_variant_keeps_its_fields() {
        let source = "Waiting {\n    /// Until then.\n    until: Instant,\n    reason: Reason,\n}";
        assert_eq!(head(source), "Waiting { until: Instant, reason: Reason }");
    }

    #[test]
    fn a_struct_ends_before_its_fields() {
        assert_eq!(before_fields(&head("pub struct Client(Rc<Inner>);")), "pub struct Client");
        assert_eq!(before_fields(&head("pub struct Gap {\n    pub from: u64,\n}")), "pub struct Gap");
    }
}
