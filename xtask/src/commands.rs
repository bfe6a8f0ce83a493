//! One file for each command.

pub mod audit;
pub mod bench;
pub mod chaos;
pub mod crates;
pub mod demo;
pub mod docs;
pub mod doctor;
pub mod examples;
pub mod fixtures;
pub mod fmt;
pub mod msrv;
pub mod mutants;
pub mod openapi;
pub mod pack;
pub mod release;
pub mod setup;
pub mod sim;
pub mod size;
pub mod test;
