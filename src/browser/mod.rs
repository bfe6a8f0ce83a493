//! The browser: the driver of the npm package, and what a page is to the Rust client. It decides nothing.

mod clock;
#[cfg(feature = "npm")]
pub mod dialect;
#[cfg(feature = "npm")]
pub mod driver;
#[cfg(feature = "npm")]
pub mod host;
#[cfg(not(feature = "npm"))]
pub(crate) mod lifecycle;
#[cfg(not(feature = "npm"))]
pub(crate) mod lineage;
#[cfg(not(feature = "js-texts"))]
pub(crate) mod object;
#[cfg(all(feature = "npm", feature = "plain"))]
pub(crate) mod plain;
#[cfg(not(feature = "npm"))]
pub(crate) mod platform;
#[cfg(not(feature = "npm"))]
pub(crate) mod socket;
#[cfg(feature = "npm")]
pub(crate) mod value;
