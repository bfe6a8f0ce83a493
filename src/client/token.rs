//! The application's token function.

use std::fmt::Display;

use super::driver::WeakDriver;
use super::platform::Runtime;
use super::shared::{MaybeSend, MaybeSync, Shared};
use crate::core::FetchId;

/// What a token function is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct TokenRequest {
    /// Whether the server rejected the last token, or it has expired: a cached one does not help.
    pub refresh: bool,
}

/// A call of the token function. The answer goes to the driver.
pub(super) struct Call {
    pub fetch: FetchId,
    pub refresh: bool,
    pub driver: WeakDriver,
}

/// The whole call is behind this, so that only a page with a token function downloads it.
trait Fetch: MaybeSend + MaybeSync {
    fn fetch(&self, call: Call, runtime: &Runtime);
}

impl<F: Fn(Call, &Runtime) + MaybeSend + MaybeSync> Fetch for F {
    fn fetch(&self, call: Call, runtime: &Runtime) {
        self(call, runtime);
    }
}

/// See the module.
#[derive(Clone)]
pub(super) struct Token(Shared<dyn Fetch>);

impl Token {
    pub fn new<F, T, E>(get: impl Fn(TokenRequest) -> F + MaybeSend + MaybeSync + 'static) -> Self
    where
        F: Future<Output = Result<T, E>> + MaybeSend + 'static,
        T: Into<String>,
        E: Display,
    {
        let fetch = move |call: Call, runtime: &Runtime| {
            let token = get(TokenRequest { refresh: call.refresh });
            runtime.spawn(async move {
                let token = token.await.map(Into::into).map_err(|error| error.to_string());
                if let Some(driver) = call.driver.upgrade() {
                    driver.token(call.fetch, token);
                }
            });
        };
        Token(Shared::new(fetch))
    }

    pub fn fetch(&self, call: Call, runtime: &Runtime) {
        self.0.fetch(call, runtime);
    }
}
