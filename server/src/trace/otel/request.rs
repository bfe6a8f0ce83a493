//! The span of a request that publishes. The attributes are those of OpenTelemetry's conventions for HTTP servers.

use std::convert::Infallible;

use axum::extract::{FromRequestParts, Request};
use axum::http::request::Parts;
use axum::http::{Method, Version};
use axum::middleware::{self, Next};
use axum::response::Response;
use axum::routing::MethodRouter;
use opentelemetry::KeyValue;
use opentelemetry::trace::{SpanKind, TraceContextExt};

use super::spans::{Context, Ending};
use super::{begin, span, traceparent};

/// Traces the POST requests that this handler answers. `route` is its path.
pub fn traced<S: Clone + Send + Sync + 'static>(
    route: &'static str,
    handler: MethodRouter<S>,
) -> MethodRouter<S> {
    handler.route_layer(middleware::from_fn(move |request: Request, next: Next| trace(route, request, next)))
}

/// If the client or the timeout ends the request, the span ends without a status.
async fn trace(route: &'static str, mut request: Request, next: Next) -> Response {
    let parent = traceparent::parent(request.headers());
    let started = begin(&parent, |traces| {
        span(format!("POST {route}"), SpanKind::Server).with_attributes([
            KeyValue::new("http.request.method", Method::POST.as_str()),
            KeyValue::new("http.route", route),
            KeyValue::new("url.path", request.uri().path().to_owned()),
            KeyValue::new("url.scheme", traces.scheme),
            KeyValue::new("network.protocol.version", version(request.version())),
        ])
    });
    let Some(context) = started else { return next.run(request).await };
    let ending = Ending(context.clone());
    request.extensions_mut().insert(Context(Some(context)));
    let response = next.run(request).await;
    let status = i64::from(response.status().as_u16());
    ending.0.span().set_attribute(KeyValue::new("http.response.status_code", status));
    response
}

fn version(version: Version) -> &'static str {
    if version == Version::HTTP_10 { "1.0" } else { "1.1" }
}

impl<S: Sync> FromRequestParts<S> for Context {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(parts.extensions.get().cloned().unwrap_or_default())
    }
}
