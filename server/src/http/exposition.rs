//! The formats of `/metrics`: OpenMetrics for a client that prefers it, and otherwise Prometheus's text format, which
//! every tool reads. The library writes OpenMetrics only.

use std::collections::HashMap;

use axum::http::{HeaderMap, header};

/// A format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// OpenMetrics 1.0.
    OpenMetrics,
    /// Prometheus's text format 0.0.4.
    Text,
}

impl Format {
    /// The one that the client prefers; the text format if it does not mention OpenMetrics.
    pub fn preferred(headers: &HeaderMap) -> Format {
        let accepted = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
        let ranges: Vec<(String, f32)> =
            accepted.flat_map(|value| value.split(',')).map(media_range).collect();
        let quality = |names: &[&str]| {
            let named = ranges.iter().filter(|(name, _)| names.contains(&&name[..]));
            named.map(|(_, quality)| *quality).fold(0.0, f32::max)
        };
        let open_metrics = quality(&["application/openmetrics-text"]);
        match open_metrics > 0.0 && open_metrics >= quality(&["text/plain", "text/*", "*/*"]) {
            true => Format::OpenMetrics,
            false => Format::Text,
        }
    }

    /// Its media type.
    pub fn content_type(self) -> &'static str {
        match self {
            Format::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
            Format::Text => "text/plain; version=0.0.4; charset=utf-8",
        }
    }

    /// Metrics in OpenMetrics, in this format.
    pub fn convert(self, open_metrics: String) -> String {
        match self {
            Format::OpenMetrics => open_metrics,
            Format::Text => to_text(&open_metrics),
        }
    }
}

/// The type, and its quality (RFC 9110 §12.4.2).
fn media_range(text: &str) -> (String, f32) {
    let mut parts = text.split(';').map(|part| part.trim().to_ascii_lowercase());
    let name = parts.next().unwrap_or_default();
    let quality = parts.find_map(|part| part.strip_prefix("q=")?.parse().ok());
    (name, quality.unwrap_or(1.0))
}

/// In OpenMetrics, the samples of a counter have a suffix that its description has not. In the text format, both have
/// it. Types and comments that only OpenMetrics has are translated or left out.
fn to_text(open_metrics: &str) -> String {
    let kinds: HashMap<&str, &str> =
        open_metrics.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split_once(' ')).collect();
    let mut text = String::with_capacity(open_metrics.len());
    for line in open_metrics.lines() {
        let mut words = line.splitn(4, ' ');
        let described = match [words.next(), words.next(), words.next(), words.next()] {
            [Some("#"), Some(what @ ("HELP" | "TYPE")), Some(name), Some(rest)] => Some((what, name, rest)),
            [Some("#"), ..] => continue, // `# UNIT`, `# EOF`
            _ => None,
        };
        match described {
            Some((what, name, rest)) => {
                let (suffix, kind) = translated(kinds.get(name).copied().unwrap_or("unknown"));
                let rest = if what == "TYPE" { kind } else { rest };
                text.extend(["# ", what, " ", name, suffix, " ", rest, "\n"]);
            }
            None => text.extend([line, "\n"]),
        }
    }
    text
}

/// The suffix of the samples of this type, and what the text format calls it.
fn translated(kind: &str) -> (&'static str, &'static str) {
    match kind {
        "counter" => ("_total", "counter"),
        "info" => ("_info", "gauge"),
        "gauge" | "stateset" => ("", "gauge"),
        "histogram" => ("", "histogram"),
        "summary" => ("", "summary"),
        _ => ("", "untyped"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn preferred(accept: &[&'static str]) -> Format {
        let mut headers = HeaderMap::new();
        for value in accept {
            headers.append(header::ACCEPT, value.parse().unwrap());
        }
        Format::preferred(&headers)
    }

    #[test]
    fn the_client_chooses_the_format() {
        let prometheus = "application/openmetrics-text;version=1.0.0;q=0.5,application/openmetrics-text;version=0.0.1;\
                          q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2";
        assert_eq!(preferred(&[prometheus]), Format::OpenMetrics);
        assert_eq!(preferred(&["application/openmetrics-text, */*"]), Format::OpenMetrics);
        assert_eq!(
            preferred(&["text/plain;q=0.1", "Application/OpenMetrics-Text; Q=0.2"]),
            Format::OpenMetrics
        );
        let others: [&[&str]; 6] = [
            &[],
            &["*/*"],
            &["text/html,application/xhtml+xml,*/*;q=0.8"],
            &["application/openmetrics-text;q=0"],
            &["application/openmetrics-text;q=0.3,text/plain;q=0.5"],
            &["application/json"],
        ];
        assert!(others.iter().all(|accept| preferred(accept) == Format::Text));
    }

    #[test]
    fn types_are_translated() {
        let open_metrics = "# HELP a How many.\n# TYPE a counter\na_total 1\n# HELP b In use.\n# TYPE b info\n\
                            # UNIT b things\nb_info{v=\"# TYPE\"} 1\n# TYPE c unknown\nc 2\n# EOF\n";
        let text = "# HELP a_total How many.\n# TYPE a_total counter\na_total 1\n# HELP b_info In use.\n\
                    # TYPE b_info gauge\nb_info{v=\"# TYPE\"} 1\n# TYPE c untyped\nc 2\n";
        assert_eq!(to_text(open_metrics), text);
    }
}
