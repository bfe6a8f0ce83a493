//! What every `Log` promises, whatever its home. Each test runs against each home: the embedded one and
//! a real Redis. `nodes` is about what only a home with many nodes can do.

mod appending;
mod home;
mod keys;
mod nodes;
mod reading;
mod replaced;
mod retention;
mod sync;

use home::{Home, Node, append, keyed};

/// Makes tests of functions that take a home, one per home.
macro_rules! for_each_home {
    ($($test:ident),* $(,)?) => {
        mod embedded {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $test() {
                super::$test(crate::contract::Home::embedded()).await;
            })*
        }
        mod redis {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $test() {
                super::$test(crate::contract::Home::redis()).await;
            })*
        }
    };
}
use for_each_home;
