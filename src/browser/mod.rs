//! The browser driver: passes events to the core, and performs its outputs. It decides nothing.

mod clock;
pub mod dialect;
pub mod driver;
pub mod host;
pub(crate) mod lifecycle;
pub(crate) mod lineage;
#[cfg(feature = "plain")]
pub(crate) mod plain;
pub(crate) mod socket;
pub(crate) mod v1;
pub(crate) mod value;
