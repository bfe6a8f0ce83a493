//! A collector of OpenTelemetry: it takes traces by OTLP over HTTP, and keeps the spans.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::routing::post;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::common::v1::any_value::Value as Any;
use opentelemetry_proto::tonic::trace::v1::Span as Exported;
use prost::Message;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::eventually;

/// A span as a test looks at it.
#[derive(Clone, Debug)]
pub struct Span {
    pub name: String,
    /// In hexadecimal digits, as the other ids.
    pub trace: String,
    pub id: String,
    /// Empty if it begins a trace.
    pub parent: String,
    /// By its number in the protocol: 1 internal, 2 server, 4 producer.
    pub kind: i32,
    pub start_ns: u64,
    pub end_ns: u64,
    /// Whether its status is an error.
    pub is_error: bool,
    /// The ids of the spans that it links to.
    pub links: Vec<String>,
    pub attributes: HashMap<String, Value>,
}

/// A request of an exporter.
#[derive(Clone, Debug)]
pub struct Export {
    pub headers: HeaderMap,
    /// What describes the process.
    pub resource: HashMap<String, Value>,
    pub spans: Vec<Span>,
}

type Exports = Arc<Mutex<Vec<Export>>>;

/// See the module.
pub struct Collector {
    pub url: String,
    exports: Exports,
}

impl Collector {
    /// Starts one in this runtime.
    pub async fn start() -> Collector {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let exports = Exports::default();
        let router = Router::new().route("/v1/traces", post(receive)).with_state(exports.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        Collector { url, exports }
    }

    pub fn exports(&self) -> Vec<Export> {
        self.exports.lock().unwrap().clone()
    }

    pub fn spans(&self) -> Vec<Span> {
        self.exports().into_iter().flat_map(|export| export.spans).collect()
    }

    /// The spans with this name, once there are so many.
    pub async fn named(&self, name: &str, count: usize) -> Vec<Span> {
        let named = || self.spans().into_iter().filter(|span| span.name == name).collect::<Vec<_>>();
        eventually(&format!("{count} spans {name}"), || named().len() >= count).await;
        named()
    }
}

async fn receive(State(exports): State<Exports>, headers: HeaderMap, body: Bytes) {
    for part in ExportTraceServiceRequest::decode(body).unwrap().resource_spans {
        let spans = part.scope_spans.into_iter().flat_map(|scope| scope.spans).map(span).collect();
        let resource = attributes(part.resource.unwrap_or_default().attributes);
        exports.lock().unwrap().push(Export { headers: headers.clone(), resource, spans });
    }
}

fn span(span: Exported) -> Span {
    Span {
        name: span.name,
        trace: hex(&span.trace_id),
        id: hex(&span.span_id),
        parent: hex(&span.parent_span_id),
        kind: span.kind,
        start_ns: span.start_time_unix_nano,
        end_ns: span.end_time_unix_nano,
        is_error: span.status.is_some_and(|status| status.code == 2),
        links: span.links.iter().map(|link| hex(&link.span_id)).collect(),
        attributes: attributes(span.attributes),
    }
}

fn attributes(list: Vec<KeyValue>) -> HashMap<String, Value> {
    let value = |value| match value {
        Some(Any::StringValue(text)) => json!(text),
        Some(Any::IntValue(number)) => json!(number),
        Some(Any::BoolValue(yes)) => json!(yes),
        other => panic!("an attribute of another type: {other:?}"),
    };
    list.into_iter().map(|pair| (pair.key, value(pair.value.and_then(|any| any.value)))).collect()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
