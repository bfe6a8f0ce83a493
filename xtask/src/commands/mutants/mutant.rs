//! A planted bug: one replacement in one file.

/// A planted bug.
pub struct Mutant {
    /// The mistake, in a few words.
    pub name: &'static str,
    /// The file, from the project's root.
    pub file: &'static str,
    /// The text to replace. It must occur once in the file.
    pub find: &'static str,
    pub replace: &'static str,
}

/// One entry of the list.
pub const fn mutant(
    file: &'static str,
    name: &'static str,
    find: &'static str,
    replace: &'static str,
) -> Mutant {
    Mutant { name, file, find, replace }
}

impl Mutant {
    /// Why it cannot be planted in a file with this text, if it cannot.
    pub fn mismatch(&self, text: &str) -> Option<String> {
        let Mutant { name, file, find, replace } = self;
        match text.matches(find).count() {
            1 if find == replace => Some(format!("{file}: {name:?} changes nothing")),
            1 => None,
            count => {
                Some(format!("{file}: {name:?} must match once, and matches {count} times:\n    {find:?}"))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bug_that_fits_nowhere_or_twice_is_a_mismatch() {
        let mutant = Mutant { file: "a.rs", name: "less", find: "a < b", replace: "a > b" };
        assert_eq!(mutant.mismatch("if a < b {"), None);
        for text in ["", "a < b a < b"] {
            assert!(mutant.mismatch(text).is_some_and(|mismatch| mismatch.starts_with("a.rs: \"less\"")));
        }
        let same = Mutant { file: "a.rs", name: "same", find: "a", replace: "a" };
        assert!(same.mismatch("a").is_some());
    }
}
