//! The guarantees of every `Store`. Each test runs against each backend: the embedded store, a real Redis, and a Redis
//! Cluster. `nodes`,
//! `replaced` and `wakeups` test what only Redis can do.

mod appending;
mod backend;
mod keys;
mod nodes;
mod positions;
mod reading;
mod removal;
mod replaced;
mod retention;
mod wakeups;

use backend::{Backend, Node, append, keyed};

/// Turns functions that take a backend into tests, one per backend.
macro_rules! for_each_backend {
    ($($test:ident),* $(,)?) => {
        mod embedded {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $test() {
                super::$test(crate::contract::Backend::embedded()).await;
            })*
        }
        mod redis {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $test() {
                super::$test(crate::contract::Backend::redis()).await;
            })*
        }
        mod cluster {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $test() {
                super::$test(crate::contract::Backend::cluster()).await;
            })*
        }
    };
}
use for_each_backend;
