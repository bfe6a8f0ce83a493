//! The texts in Rust code: string literals and doc comments, except for those of tests.

use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};

use super::{Text, markdown};

/// String literals and doc comments. Consecutive lines of a doc comment are one text.
pub(super) fn texts(code: &str) -> Vec<Text> {
    let tokens: TokenStream = code.parse().expect("the compiler accepts it");
    let mut texts = Vec::new();
    collect(tokens, &mut texts);
    for text in &mut texts {
        text.text = markdown::prose(&text.text);
    }
    texts
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
    fn strings_and_doc_comments_are_found_with_their_lines() {
        let code = "/// One\n/// two.\nfn f() {\n    g(\"a b\", \"c\");\n}\n#[cfg(test)]\nmod tests { const T: &str = \"d e\"; }\n";
        let found: Vec<(usize, String)> =
            texts(code).into_iter().map(|text| (text.line, text.text)).collect();
        assert_eq!(found, [(1, " One\n two.".into()), (4, "\"a b\"".into())]);
    }
}
