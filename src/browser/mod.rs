//! The browser driver: carries events into the core and its outputs out. It decides nothing.

mod clock;
pub mod driver;
pub(crate) mod frame;
pub(crate) mod lifecycle;
pub(crate) mod lineage;
#[cfg(feature = "plain")]
mod plain;
pub(crate) mod socket;
