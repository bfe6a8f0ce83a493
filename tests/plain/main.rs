//! The plain dialect: the real session and its translator, driven by hand and in small seeded worlds.
//!
//! A [`page::Page`] plays the driver, with a clock of the test's own; what comes out is read back as
//! short lines.

mod connection;
mod ids;
mod numbers;
mod page;
mod world;
