//! Which collector gets the spans, and which are sampled: the option, and OpenTelemetry's own variables.

use clap::Args;
use hyper::Uri;

use crate::config::without_password;
use crate::error::SetupError;

/// Of OpenTelemetry's specification: the URL for traces.
const TRACES_ENDPOINT: &str = "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT";
/// The URL below which everything is.
const ENDPOINT: &str = "OTEL_EXPORTER_OTLP_ENDPOINT";
/// Where a collector takes traces, below its URL.
const TRACES_PATH: &str = "/v1/traces";

const SAMPLER: &str = "OTEL_TRACES_SAMPLER";
const SAMPLER_ARG: &str = "OTEL_TRACES_SAMPLER_ARG";
/// Those that the SDK has. It would replace any other value by its default without an error.
const SAMPLERS: [&str; 6] = [
    "always_on",
    "always_off",
    "traceidratio",
    "parentbased_always_on",
    "parentbased_always_off",
    "parentbased_traceidratio",
];

const EXPECTED: &str =
    "expected the URL of a collector, such as http://127.0.0.1:4318, without user, password and query";

/// The options of a build with the feature `otel`.
#[derive(Clone, Debug, Args)]
pub struct Options {
    /// URL of an OpenTelemetry collector that gets traces of publications, by OTLP over HTTP [default: none]
    ///
    /// The server adds /v1/traces to it. Without this option, OTEL_EXPORTER_OTLP_ENDPOINT counts. OTEL_TRACES_SAMPLER
    /// selects which publications are traced. See docs/OPERATIONS.md.
    #[arg(long, value_name = "URL", value_parser = base_url)]
    pub otlp_endpoint: Option<Uri>,
}

/// Where spans go.
pub(super) struct Collector {
    /// The option or the variable that names it.
    pub setting: &'static str,
    pub url: Uri,
}

/// Checks the option and the variables.
pub fn check(options: &Options) -> Result<(), SetupError> {
    collector(options).map(drop)
}

/// The collector, if one is named. What else is set must be usable then.
pub(super) fn collector(options: &Options) -> Result<Option<Collector>, SetupError> {
    let collector = match &options.otlp_endpoint {
        Some(base) => Some(Collector { setting: "--otlp-endpoint", url: below(base)? }),
        None => named_by_variables()?,
    };
    if collector.is_some() {
        check_sampler(variable(SAMPLER).as_deref(), variable(SAMPLER_ARG).as_deref())?;
    }
    Ok(collector)
}

fn named_by_variables() -> Result<Option<Collector>, SetupError> {
    let wrong = |name, value: &str, why: String| {
        let what = format!("cannot use the variable {name} with the value {:?}", without_password(value));
        SetupError::new(what, why)
            .advice(format!("Give {name} such a URL, or unset it: then nothing is traced."))
    };
    if let Some(value) = variable(TRACES_ENDPOINT) {
        let url = base_url(&value).map_err(|why| wrong(TRACES_ENDPOINT, &value, why))?;
        return Ok(Some(Collector { setting: TRACES_ENDPOINT, url }));
    }
    let Some(value) = variable(ENDPOINT) else { return Ok(None) };
    let base = base_url(&value).map_err(|why| wrong(ENDPOINT, &value, why))?;
    Ok(Some(Collector { setting: ENDPOINT, url: below(&base)? }))
}

/// An empty variable counts as unset, as OpenTelemetry's specification says.
pub(super) fn variable(name: &str) -> Option<String> {
    std::env::var_os(name).map(|value| value.to_string_lossy().into_owned()).filter(|value| !value.is_empty())
}

fn base_url(text: &str) -> Result<Uri, String> {
    let url: Uri = text.parse().map_err(|_| EXPECTED)?;
    let host = url.authority().is_some_and(|authority| !authority.as_str().contains('@'));
    match (url.scheme_str(), url.query()) {
        (Some("http" | "https"), None) if host => Ok(url),
        _ => Err(EXPECTED.into()),
    }
}

fn below(base: &Uri) -> Result<Uri, SetupError> {
    let url = format!("{}{TRACES_PATH}", base.to_string().trim_end_matches('/'));
    url.parse().map_err(|e| SetupError::new(format!("cannot use the collector's URL {url}"), e))
}

fn check_sampler(sampler: Option<&str>, arg: Option<&str>) -> Result<(), SetupError> {
    let Some(sampler) = sampler else { return Ok(()) };
    let wrong = |name, value, why: &str, advice| {
        let what = format!("cannot use the variable {name} with the value {value:?}");
        Err(SetupError::new(what, why).advice(advice))
    };
    if !SAMPLERS.contains(&sampler) {
        let advice = format!("Give one of {}.", SAMPLERS.join(", "));
        return wrong(SAMPLER, sampler, "there is no such sampler", advice);
    }
    let ratio = arg.and_then(|arg| arg.parse::<f64>().ok()).filter(|ratio| (0.0..=1.0).contains(ratio));
    if sampler.ends_with("traceidratio") && ratio.is_none() {
        let why = format!("{sampler} needs the part of the traces to keep");
        let advice = "Give a number from 0 to 1, such as 0.05.".to_owned();
        return wrong(SAMPLER_ARG, arg.unwrap_or_default(), &why, advice);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_url_of_a_collector_has_scheme_and_host() {
        for (base, url) in [
            ("http://127.0.0.1:4318", "http://127.0.0.1:4318/v1/traces"),
            ("https://collector.example/otlp/", "https://collector.example/otlp/v1/traces"),
        ] {
            assert_eq!(below(&base_url(base).unwrap()).unwrap(), url);
        }
        for bad in ["", "collector:4318", "ftp://h", "http://", "http://u:p@h", "http://h/?key=1"] {
            assert_eq!(base_url(bad).unwrap_err(), EXPECTED, "{bad:?}");
        }
    }

    #[test]
    fn samplers_are_those_of_the_sdk() {
        for good in
            [(None, None), (Some("always_off"), None), (Some("parentbased_traceidratio"), Some("0.1"))]
        {
            assert_eq!(check_sampler(good.0, good.1), Ok(()));
        }
        for (sampler, arg, named) in [
            ("xray", None, "OTEL_TRACES_SAMPLER with the value \"xray\""),
            ("traceidratio", None, "OTEL_TRACES_SAMPLER_ARG"),
            ("traceidratio", Some("5"), "OTEL_TRACES_SAMPLER_ARG with the value \"5\""),
        ] {
            let error = check_sampler(Some(sampler), arg).unwrap_err().to_string();
            assert!(error.contains(named), "{error}");
        }
    }
}
