//! The header `traceparent` of W3C Trace Context, which names the caller's span.

use axum::http::HeaderMap;
use opentelemetry::Context as Parent;
use opentelemetry::propagation::TextMapPropagator;
use opentelemetry_http::HeaderExtractor;
use opentelemetry_sdk::propagation::TraceContextPropagator;

/// The lengths of version, trace id, parent id and flags, in hexadecimal digits.
const PARTS: [usize; 4] = [2, 32, 16, 2];

/// The caller's context. An empty one if there is no header, or one that does not follow the specification.
pub(super) fn parent(headers: &HeaderMap) -> Parent {
    let mut values = headers.get_all("traceparent").iter();
    match (values.next().and_then(|value| value.to_str().ok()), values.next()) {
        (Some(value), None) if is_well_formed(value) => {
            TraceContextPropagator::new().extract_with_context(&Parent::new(), &HeaderExtractor(headers))
        }
        _ => Parent::new(),
    }
}

/// The library would also accept other lengths, and signs.
fn is_well_formed(value: &str) -> bool {
    let mut parts = value.split('-');
    let is_hex = |part: &str| part.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    let begins = PARTS.iter().all(|len| parts.next().is_some_and(|part| part.len() == *len && is_hex(part)));
    // Later versions may have more parts.
    begins && (parts.next().is_none() || !value.starts_with("00"))
}

#[cfg(test)]
mod tests {
    use opentelemetry::trace::TraceContextExt;

    use super::*;

    const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";

    /// The trace id of these values, and whether it is sampled.
    fn read(values: &[&str]) -> Option<(String, bool)> {
        let headers = values.iter().map(|value| ("traceparent".parse().unwrap(), value.parse().unwrap()));
        let parent = parent(&headers.collect());
        let span = parent.span();
        let context = span.span_context();
        context.is_valid().then(|| (context.trace_id().to_string(), context.is_sampled()))
    }

    #[test]
    fn a_traceparent_names_the_callers_span() {
        let named = |sampled| Some((TRACE.to_owned(), sampled));
        assert_eq!(read(&[&format!("00-{TRACE}-b7ad6b7169203331-01")]), named(true));
        assert_eq!(read(&[&format!("00-{TRACE}-b7ad6b7169203331-00")]), named(false));
        assert_eq!(read(&[&format!("01-{TRACE}-b7ad6b7169203331-01-more")]), named(true));
    }

    #[test]
    fn a_bad_traceparent_is_ignored() {
        for bad in [
            String::new(),
            "x".into(),
            format!("00-{TRACE}-b7ad6b7169203331"),
            format!("00-{TRACE}-b7ad6b7169203331-01-more"),
            format!("00-{}-b7ad6b7169203331-01", &TRACE[1..]),
            format!("00-+{}-b7ad6b7169203331-01", &TRACE[1..]),
            format!("00-{}-b7ad6b7169203331-01", TRACE.to_uppercase()),
            format!("00-{}-b7ad6b7169203331-01", "0".repeat(32)),
            format!("ff-{TRACE}-b7ad6b7169203331-01"),
        ] {
            assert_eq!(read(&[&bad]), None, "{bad}");
        }
        let good = format!("00-{TRACE}-b7ad6b7169203331-01");
        assert_eq!(read(&[&good, &good]), None);
    }
}
