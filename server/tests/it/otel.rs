//! Traces of publications: the spans that a collector gets, with their parents and attributes, and sampling.

use serde_json::{Value, json};

use crate::support::{Client, Collector, Redis, Server, Span, eventually, offsets, request};

const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
const CALLER: &str = "b7ad6b7169203331";

/// The kinds of spans in the protocol.
const INTERNAL: i32 = 1;
const SERVER: i32 = 2;
const PRODUCER: i32 = 4;

/// A server that exports spans at once.
fn start(collector: &Collector, args: &[&str], variables: &[(&str, &str)]) -> Server {
    let args = [&["--otlp-endpoint", &collector.url], args].concat();
    Server::start_with(&args, &[&[("OTEL_BSP_SCHEDULE_DELAY", "20")], variables].concat())
}

/// Publishes with a `traceparent`; returns the status.
async fn publish(server: &Server, traceparent: &str, data: &str) -> u16 {
    let url = server.url("/channels/c/messages");
    request("POST", url, &[("traceparent", traceparent)], data.as_bytes()).await.0
}

/// Subscribed to the channel `c`, and live.
async fn subscriber(server: &Server, client_id: &str) -> Client {
    let mut client = Client::greeted(server, client_id).await;
    client.sub("c", 1000, json!({"from": "tail"})).await;
    while client.next().await["op"] != "live" {}
    client
}

#[track_caller]
fn assert_has(span: &Span, attributes: Value) {
    for (name, value) in attributes.as_object().unwrap() {
        assert_eq!(span.attributes.get(name), Some(value), "{name} of {span:?}");
    }
}

#[tokio::test]
async fn a_publication_continues_the_callers_trace() {
    let collector = Collector::start().await;
    let variables = [
        ("OTEL_SERVICE_NAME", "chat"),
        ("OTEL_RESOURCE_ATTRIBUTES", "deployment.environment.name=test,service.name=other"),
        ("OTEL_EXPORTER_OTLP_HEADERS", "api-key=hush"),
    ];
    let server = start(&collector, &[], &variables);
    let mut client = subscriber(&server, "reader").await;
    assert_eq!(publish(&server, &format!("00-{TRACE}-{CALLER}-01"), "\"hello\"").await, 201);
    assert_eq!(offsets(&client.next_op("msgs").await), [1]);

    let deliver = collector.named("deliver", 1).await.remove(0);
    let append = collector.named("append", 1).await.remove(0);
    let request = collector.named("POST /channels/{ch}/messages", 1).await.remove(0);
    assert!([&request, &append, &deliver].iter().all(|span| span.trace == TRACE));
    assert_eq!([&*request.parent, &append.parent, &deliver.parent], [CALLER, &request.id, &append.id]);
    assert_eq!([request.kind, append.kind, deliver.kind], [SERVER, INTERNAL, PRODUCER]);
    let url =
        json!({"url.path": "/channels/c/messages", "url.scheme": "http", "network.protocol.version": "1.1"});
    assert_has(&request, url);
    let http = json!({"http.request.method": "POST", "http.route": "/channels/{ch}/messages"});
    assert_has(&request, http);
    assert_has(&request, json!({"http.response.status_code": 201}));
    let message =
        json!({"messaging.system": "seamline", "messaging.destination.name": "c", "seamline.offset": 1});
    [&append, &deliver].into_iter().for_each(|span| assert_has(span, message.clone()));
    let id = &server.read("c", 0).await["messages"][0]["id"];
    assert_has(&append, json!({"messaging.message.id": id, "messaging.message.body.size": 7}));
    assert_has(&append, json!({"seamline.duplicate": false, "seamline.log": "embedded"}));
    assert_has(&deliver, json!({"messaging.batch.message_count": 1, "seamline.sockets": 1}));
    assert!(request.start_ns <= append.start_ns && append.start_ns <= deliver.start_ns);
    assert!(deliver.start_ns <= deliver.end_ns && append.end_ns <= request.end_ns);

    let export = collector.exports().remove(0);
    assert_eq!(export.headers["api-key"], "hush");
    assert_eq!(export.resource["service.name"], "chat");
    assert_eq!(export.resource["deployment.environment.name"], "test");
    assert!(!server.stderr().contains("hush"), "headers are secrets");
}

#[tokio::test]
async fn a_publication_from_a_socket_begins_a_trace() {
    let collector = Collector::start().await;
    let server = start(&collector, &[], &[]);
    let mut readers = [subscriber(&server, "a").await, subscriber(&server, "b").await];
    let mut publisher = Client::greeted(&server, "publisher").await;
    publisher.send(json!({"op": "pub", "ch": "c", "key": "k", "data": {"i": 1}})).await;
    publisher.next_op("puback").await;
    for reader in &mut readers {
        reader.next_op("msgs").await;
    }
    let frame = collector.named("pub", 1).await.remove(0);
    let append = collector.named("append", 1).await.remove(0);
    let deliver = collector.named("deliver", 1).await.remove(0);
    assert_eq!((&*frame.parent, frame.kind), ("", SERVER));
    assert_eq!([&append.parent, &deliver.parent], [&frame.id, &append.id]);
    assert!([&append, &deliver].iter().all(|span| span.trace == frame.trace));
    assert_has(&frame, json!({"messaging.destination.name": "c", "network.protocol.name": "websocket"}));
    assert_has(&deliver, json!({"seamline.sockets": 2}));
    assert_eq!(collector.exports()[0].resource["service.name"], "seamline-server");

    // The same publication again: it is known, and nothing is delivered.
    publisher.send(json!({"op": "pub", "ch": "c", "key": "k", "data": {"i": 1}})).await;
    publisher.next_op("puback").await;
    let again = collector.named("append", 2).await.remove(1);
    assert_has(&again, json!({"seamline.duplicate": true, "seamline.offset": 1}));
    assert!(again.trace != append.trace);
}

/// Messages that are passed on together have one span, which belongs to the first one and links to the others.
#[tokio::test]
async fn messages_of_a_run_share_a_span() {
    const MESSAGES: usize = 200;
    let collector = Collector::start().await;
    let server = start(&collector, &["--admin-listen", "127.0.0.1:0"], &[]);
    let mut client = subscriber(&server, "reader").await;
    let messages: Vec<_> = (1..=MESSAGES).map(|i| json!({"ch": "c", "data": {"i": i}})).collect();
    let body = json!({ "messages": messages }).to_string();
    let (status, _) = request("POST", server.admin_url("/admin/publish"), &[], body.as_bytes()).await;
    assert_eq!(status, 200);
    let mut received = 0;
    while received < MESSAGES {
        received += offsets(&client.next_op("msgs").await).len();
    }
    let publish = collector.named("POST /admin/publish", 1).await.remove(0);
    let appends = collector.named("append", MESSAGES).await;
    assert!(appends.iter().all(|append| append.parent == publish.id));
    let counted = |spans: &[Span]| -> usize {
        let count = |span: &Span| span.attributes["messaging.batch.message_count"].as_u64().unwrap();
        spans.iter().map(|span| count(span) as usize).sum()
    };
    let deliveries =
        || collector.spans().into_iter().filter(|span| span.name == "deliver").collect::<Vec<_>>();
    eventually("the spans of all runs", || counted(&deliveries()) == MESSAGES).await;
    let runs = deliveries();
    assert!(runs.len() < MESSAGES / 2, "{}", runs.len());
    let is_append = |id: &String| appends.iter().any(|append| append.id == *id);
    for run in &runs {
        let count = counted(std::slice::from_ref(run));
        assert!(is_append(&run.parent) && run.links.iter().all(is_append), "{run:?}");
        assert_eq!(run.links.len(), (count - 1).min(128), "the limit for links: {run:?}");
    }
}

#[tokio::test]
async fn the_callers_sampling_decides() {
    let collector = Collector::start().await;
    let server = start(&collector, &[], &[]);
    let mut client = subscriber(&server, "reader").await;
    let other = TRACE.replace('0', "1");
    assert_eq!(publish(&server, &format!("00-{other}-{CALLER}-00"), "1").await, 201);
    assert_eq!(publish(&server, &format!("00-{TRACE}-{CALLER}-01"), "2").await, 201);
    client.next_op("msgs").await;
    collector.named("deliver", 1).await;
    collector.named("POST /channels/{ch}/messages", 1).await;
    assert!(collector.spans().iter().all(|span| span.trace == TRACE));
}

#[tokio::test]
async fn a_sampler_can_ignore_the_caller() {
    let collector = Collector::start().await;
    let off = [("OTEL_TRACES_SAMPLER", "always_off"), ("OTEL_BSP_SCHEDULE_DELAY", "60000")];
    let mut server = start(&collector, &[], &off);
    assert_eq!(publish(&server, &format!("00-{TRACE}-{CALLER}-01"), "1").await, 201);
    server.terminate();
    assert!(server.ended().await.success());
    assert!(collector.spans().is_empty());
}

#[tokio::test]
async fn a_bad_traceparent_begins_a_trace() {
    let collector = Collector::start().await;
    let server = start(&collector, &[], &[]);
    for bad in ["", "nonsense", "00-0-0-01", &format!("00-{}-{CALLER}-01", "0".repeat(32))] {
        assert_eq!(publish(&server, bad, "1").await, 201, "{bad}");
    }
    let requests = collector.named("POST /channels/{ch}/messages", 4).await;
    assert!(requests.iter().all(|request| request.parent.is_empty()));
}

#[tokio::test]
async fn refused_publications_have_their_code() {
    let collector = Collector::start().await;
    let server = start(&collector, &[], &[]);
    assert_eq!(publish(&server, "", "no json").await, 400);
    let request = collector.named("POST /channels/{ch}/messages", 1).await.remove(0);
    assert_has(&request, json!({"http.response.status_code": 400, "seamline.code": "bad_json"}));
    let mut client = Client::greeted(&server, "c").await;
    client.send(json!({"op": "pub", "ch": "", "key": "k", "data": 1})).await;
    client.next_op("pubnack").await;
    let frame = collector.named("pub", 1).await.remove(0);
    assert_has(&frame, json!({"seamline.code": "bad_channel"}));
    assert!(!request.is_error && !frame.is_error, "it is the client's");
    assert!(collector.spans().iter().all(|span| span.name != "append"));
}

/// The context does not travel through Redis: what comes from there is in no trace.
#[tokio::test]
async fn the_redis_log_has_no_span_of_the_delivery() {
    let redis = Redis::start();
    let collector = Collector::start().await;
    let server = start(&collector, &["--log", &redis.url()], &[]);
    let mut client = subscriber(&server, "reader").await;
    assert_eq!(publish(&server, &format!("00-{TRACE}-{CALLER}-01"), "1").await, 201);
    client.next_op("msgs").await;
    let append = collector.named("append", 1).await.remove(0);
    assert_eq!(append.trace, TRACE);
    assert_has(&append, json!({"seamline.log": "redis", "seamline.offset": 1}));
    drop(redis); // it is down
    assert_eq!(publish(&server, &format!("00-{TRACE}-{CALLER}-01"), "2").await, 503);
    let request = collector.named("POST /channels/{ch}/messages", 2).await.remove(1);
    assert!(request.is_error, "{request:?}");
    assert_has(&request, json!({"http.response.status_code": 503, "error.type": "log_error"}));
    assert!(collector.spans().iter().all(|span| span.name != "deliver"));
}
