//! The application's token function.

use std::fmt::Display;

use super::shared::{BoxFuture, MaybeSend, MaybeSync, Shared};

/// What a token function is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct TokenRequest {
    /// Whether the server rejected the last token, or it has expired: a cached one does not help.
    pub refresh: bool,
}

/// A token, or why there is none.
type Fetched = Result<String, String>;

trait Fetch: MaybeSend + MaybeSync {
    fn fetch(&self, request: TokenRequest) -> BoxFuture<Fetched>;
}

impl<F: Fn(TokenRequest) -> BoxFuture<Fetched> + MaybeSend + MaybeSync> Fetch for F {
    fn fetch(&self, request: TokenRequest) -> BoxFuture<Fetched> {
        self(request)
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
        let fetch = move |request| -> BoxFuture<Fetched> {
            let token = get(request);
            Box::pin(async move { token.await.map(Into::into).map_err(|error| error.to_string()) })
        };
        Token(Shared::new(fetch))
    }

    pub fn fetch(&self, refresh: bool) -> BoxFuture<Fetched> {
        self.0.fetch(TokenRequest { refresh })
    }
}
