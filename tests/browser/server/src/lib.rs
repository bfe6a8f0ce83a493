//! The server that the tests in `tests/browser` talk to. They run in a browser, which can start none, so
//! the build script does.

/// Where it listens, such as `http://127.0.0.1:40123`; `None` where the tests are compiled but not run.
pub const URL: Option<&str> = option_env!("SEAMLINE_TEST_SERVER_URL");
