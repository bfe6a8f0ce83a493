//! The API without the feature `otel`: nothing is recorded.

use std::convert::Infallible;
use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::routing::MethodRouter;
use clap::Args;
use futures::future::BoxFuture;

use crate::config::Config;
use crate::error::SetupError;
use crate::log::{Append, Message, PendingAppend, Store, StoreError};

/// The options, of which there are none.
#[derive(Clone, Debug, Args)]
pub struct Options {}

/// Nothing can be wrong.
pub fn check(_: &Options) -> Result<(), SetupError> {
    Ok(())
}

/// Nothing is started.
pub fn start(_: &Config) -> Result<(), SetupError> {
    Ok(())
}

/// Nothing waits to be exported.
pub async fn finish() {}

/// The handler as it is.
pub fn traced<S>(_route: &'static str, handler: MethodRouter<S>) -> MethodRouter<S> {
    handler
}

/// Submits to the store.
pub fn submit(store: &dyn Store, append: Append) -> BoxFuture<'_, Result<PendingAppend, StoreError>> {
    store.submit(append)
}

/// No context.
#[derive(Clone, Debug, Default)]
pub struct Context(());

impl Context {
    /// Ignored.
    pub fn refused(&self, _code: &'static str) {}

    /// Nothing.
    pub fn published(&self) -> Published {
        Published(())
    }
}

impl<S: Sync> FromRequestParts<S> for Context {
    type Rejection = Infallible;

    async fn from_request_parts(_: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Context(()))
    }
}

/// No span.
pub struct Publication(());

impl Publication {
    /// Ignored.
    pub fn received(_ch: &str, _payload: &str) -> Self {
        Publication(())
    }

    /// No context.
    pub fn context(&self) -> Context {
        Context(())
    }
}

/// A message in the hub that nothing is recorded of.
#[derive(Clone, Default)]
pub struct Published(());

/// Messages that nothing is recorded of.
#[derive(Default)]
pub struct Batch(());

impl Batch {
    /// Ignored.
    pub fn add(&mut self, _: Published) {}

    /// No span.
    pub fn delivery(self, _ch: &str, _messages: &[Arc<Message>]) -> Delivery {
        Delivery(())
    }
}

/// No span.
pub struct Delivery(());

/// Runs of a socket that nothing is recorded of.
#[derive(Default)]
pub struct Deliveries(());

impl Deliveries {
    /// Ignored.
    pub fn take(&mut self, _: &Delivery) {}

    /// Ignored.
    pub fn written(&mut self, _all: bool) {}
}
