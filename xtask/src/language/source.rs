//! The texts in Rust code: string literals and comments, except for strings and doc comments of tests.

use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};

use super::{Text, markdown};

/// String literals and comments. Consecutive lines of a comment are one text.
pub(super) fn texts(code: &str) -> Vec<Text> {
    let tokens: TokenStream = code.parse().expect("the compiler accepts it");
    let mut texts = comments(code);
    collect(tokens, &mut texts);
    for text in &mut texts {
        text.text = markdown::prose(&text.text);
    }
    texts
}

/// Comments that have lines of their own, and are not doc comments: the tokens do not have them.
fn comments(code: &str) -> Vec<Text> {
    let mut comments: Vec<Text> = Vec::new();
    let mut continues = false;
    for (index, line) in code.lines().enumerate() {
        let comment = line.trim_start().strip_prefix("//").filter(|text| !text.starts_with(['/', '!']));
        match (comment, comments.last_mut()) {
            (Some(text), Some(last)) if continues => last.text = format!("{}\n{text}", last.text),
            (Some(text), _) => comments.push(Text { line: index + 1, text: text.to_owned() }),
            (None, _) => {}
        }
        continues = comment.is_some();
    }
    comments
}

fn collect(tokens: TokenStream, texts: &mut Vec<Text>) {
    let mut docs: Option<Text> = None;
    let mut is_test = false;
    for token in tokens {
        if let TokenTree::Group(group) = &token
            && let Some(doc) = doc_of(group)
        {
            match &mut docs {
                Some(docs) => docs.text = format!("{}\n{doc}", docs.text),
                None => docs = Some(Text { line: line_of(&token), text: doc }),
            }
            continue;
        }
        match &token {
            TokenTree::Punct(punct) if matches!(punct.as_char(), '#' | '!') => continue,
            TokenTree::Group(group) if is_cfg_test(group) => is_test = true,
            TokenTree::Group(group) => {
                // An item ends with its body.
                if !(is_test && group.delimiter() == Delimiter::Brace) {
                    collect(group.stream(), texts);
                }
                is_test &= group.delimiter() != Delimiter::Brace;
            }
            TokenTree::Punct(punct) if punct.as_char() == ';' => is_test = false,
            TokenTree::Literal(literal) if is_sentence(&literal.to_string()) => {
                texts.push(Text { line: line_of(&token), text: literal.to_string() });
            }
            _ => {}
        }
        texts.extend(docs.take());
    }
    texts.extend(docs);
}

fn line_of(token: &TokenTree) -> usize {
    token.span().start().line
}

/// A string with more than one word.
fn is_sentence(literal: &str) -> bool {
    literal.contains('"') && literal.trim_matches('"').contains(' ')
}

/// The text of `#[doc = "…"]`, which is what a doc comment becomes.
fn doc_of(group: &Group) -> Option<String> {
    let tokens: Vec<TokenTree> = group.stream().into_iter().collect();
    match &tokens[..] {
        [TokenTree::Ident(name), TokenTree::Punct(_), TokenTree::Literal(text)] if name == "doc" => {
            let text = text.to_string();
            Some(text.trim_start_matches('r').trim_matches('#').trim_matches('"').to_owned())
        }
        _ => None,
    }
}

fn is_cfg_test(group: &Group) -> bool {
    group.delimiter() == Delimiter::Bracket
        && matches!(group.stream().to_string().replace(' ', "").as_str(), "cfg(test)" | "test")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_and_comments_are_found_with_their_lines() {
        let code = concat!(
            "/// One\n/// two.\nfn f() {\n    // Three\n    // four.\n    g(\"a b\", \"c\");\n}\n",
            "#[cfg(test)]\nmod tests { const T: &str = \"d e\"; }\n",
        );
        let mut found: Vec<(usize, String)> =
            texts(code).into_iter().map(|text| (text.line, text.text)).collect();
        found.sort();
        let expected = [(1, " One\n two."), (4, " Three\n four."), (6, "\"a b\"")];
        assert_eq!(found, expected.map(|(line, text)| (line, text.to_owned())));
    }
}
