//! The plain dialect: a `PlainSession`, driven by hand and in small seeded worlds.
//!
//! A [`page::Page`] plays the driver, with a clock of the test's own. It records the outputs as short lines.

mod connection;
mod ids;
mod numbers;
mod page;
mod world;
