//! The browser driver: passes events to the core, and performs its outputs. It decides nothing.

mod clock;
pub mod dialect;
pub mod driver;
pub mod host;
#[cfg(not(feature = "npm"))]
pub(crate) mod lifecycle;
#[cfg(not(feature = "npm"))]
pub(crate) mod lineage;
#[cfg(not(feature = "js-texts"))]
pub(crate) mod object;
#[cfg(feature = "plain")]
pub(crate) mod plain;
#[cfg(not(feature = "npm"))]
pub(crate) mod socket;
#[cfg(not(feature = "npm"))]
pub(crate) mod v1;
pub(crate) mod value;
