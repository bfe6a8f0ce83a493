//! The planted bugs: small mistakes that somebody could make, each in one place of the core.

mod channel;
mod connection;
mod publications;

use super::mutant::Mutant;

/// All of them.
pub fn all() -> impl Iterator<Item = &'static Mutant> {
    channel::MUTANTS.iter().chain(connection::MUTANTS).chain(publications::MUTANTS)
}
