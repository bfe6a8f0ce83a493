//! A set whose values are found by their names, which are stored once.

use std::borrow::Borrow;
use std::collections::HashSet;
use std::hash::{Hash, Hasher};

/// Values with different names.
pub type NamedSet<T> = HashSet<ByName<T>>;

/// Has a name, which never changes.
pub trait Named {
    /// The name.
    fn name(&self) -> &str;
}

/// A value in the set.
pub struct ByName<T>(pub T);

impl<T: Named> Borrow<str> for ByName<T> {
    fn borrow(&self) -> &str {
        self.0.name()
    }
}

impl<T: Named> Hash for ByName<T> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.name().hash(state); // equal to that of the `str` that is looked up
    }
}

impl<T: Named> PartialEq for ByName<T> {
    fn eq(&self, other: &Self) -> bool {
        self.0.name() == other.0.name()
    }
}

impl<T: Named> Eq for ByName<T> {}
