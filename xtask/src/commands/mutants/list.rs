//! The planted bugs: small mistakes that somebody could make, each in one place.

mod channel;
mod connection;
mod effects;
mod publications;
mod scripts;
mod state;
mod storage;
mod tabs;

use super::mutant::Mutant;

/// Those in the core.
pub fn core() -> impl Iterator<Item = &'static Mutant> {
    channel::MUTANTS.iter().chain(connection::MUTANTS).chain(publications::MUTANTS)
}

/// Those in the npm package.
pub fn pages() -> impl Iterator<Item = &'static Mutant> {
    scripts::MUTANTS
        .iter()
        .chain(effects::MUTANTS)
        .chain(state::MUTANTS)
        .chain(storage::MUTANTS)
        .chain(tabs::MUTANTS)
}
