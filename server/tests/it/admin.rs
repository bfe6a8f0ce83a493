//! The admin API: who may use it, who is connected, disconnecting clients, and publishing to many channels.

use serde_json::{Value, json};

use crate::support::{Client, Got, PATIENCE, SECRET, Server, refused_to_start, request, token};

pub const TOKEN: &str = "an-admin-token-of-thirty-two-bytes-or-more";

/// A server whose admin API has no token.
fn start(more: &[&str]) -> Server {
    Server::start(&[&["--admin-listen", "127.0.0.1:0"], more].concat())
}

async fn get(server: &Server, path: &str) -> Value {
    let (status, answer) = request("GET", server.admin_url(path), &[], b"").await;
    assert_eq!(status, 200, "{path}: {answer}");
    answer
}

async fn post(server: &Server, path: &str, body: Value) -> (u16, Value) {
    request("POST", server.admin_url(path), &[], body.to_string().as_bytes()).await
}

#[tokio::test]
async fn the_admin_api_needs_its_token() {
    let server = start(&["--admin-token", TOKEN, "--token-secret", SECRET]);
    let status = async |path: &str, headers: &[(&str, &str)]| {
        request("GET", server.admin_url(path), headers, b"").await.0
    };
    let bearer = |token: &str| format!("Bearer {token}");
    assert_eq!(status("/admin/connections", &[]).await, 401);
    assert_eq!(status("/admin/connections", &[("authorization", &bearer("wrong"))]).await, 401);
    let client = token("ada");
    assert_eq!(status("/admin/connections", &[("authorization", &bearer(&client))]).await, 401, "a client's");
    let right = bearer(TOKEN);
    assert_eq!(status("/admin/connections", &[("authorization", &right)]).await, 200);
    let page = [("authorization", &*right), ("origin", "http://127.0.0.1")];
    assert_eq!(status("/admin/connections", &page).await, 403, "a page");
    for open in ["/healthz", "/readyz", "/metrics", "/openapi.json"] {
        assert_eq!(status(open, &[]).await, 200, "{open}");
    }
    let main = async |path: &str| request("GET", server.url(path), &[], b"").await.0;
    assert_eq!((main("/admin/connections").await, main("/metrics").await), (404, 404));
    assert_eq!((main("/healthz").await, main("/readyz").await), (200, 200));
}

#[test]
fn a_reachable_admin_port_needs_a_token() {
    let table: [(&[&str], &[&str]); 4] = [
        (&["--admin-listen", "0.0.0.0:0"], &["0.0.0.0", "--admin-token"]),
        (&["--admin-listen", "127.0.0.1:0", "--admin-token", "short"], &["5 bytes", "32", "openssl rand"]),
        (&["--admin-token", TOKEN], &["--admin-listen"]),
        (&["--admin-listen", "127.0.0.1:0", "--admin-token", "…"], &["--print-config"]),
    ];
    for (args, words) in table {
        let (code, stderr) = refused_to_start(args);
        assert_eq!(code, Some(1), "{args:?}: {stderr}");
        assert!(words.iter().all(|word| stderr.contains(word)), "{args:?}: {stderr}");
    }
}

#[tokio::test]
async fn connections_are_listed_with_their_channels() {
    let server = start(&["--token-secret", SECRET]);
    server.publish_all_as("room", 1..=3, token("ada")).await;
    let mut ada = Client::greeted_with(&server, "laptop", Some(token("ada"))).await;
    ada.sub("room", 10, json!({"from": "start"})).await;
    ada.sub("slow", 10, json!({"from": "tail"})).await;
    let mut bob = Client::greeted_with(&server, "phone", Some(token("bob"))).await;
    // Without credit, it receives nothing and is not live.
    bob.sub("room", 0, json!({"from": "start"})).await;
    bob.next_op("subd").await;

    let live = |ch: &str, offset: u64| json!({"ch": ch, "offset": offset, "live": true});
    let ada_follows = json!([live("room", 3), live("slow", 0)]);
    let all = until(&server, "", |page| page["connections"][0]["channels"] == ada_follows).await;
    let connections = all["connections"].as_array().unwrap();
    assert_eq!((connections.len(), &all["next"]), (2, &Value::Null), "{all}");
    let first = &connections[0];
    assert_eq!((&first["user"], &first["client_id"]), (&json!("ada"), &json!("laptop")));
    assert_eq!(first["address"], json!("127.0.0.1"));
    let age_ms = seamline_server::time::now_ms() - first["since_ms"].as_u64().unwrap();
    assert!(age_ms < 60_000, "{age_ms}");
    assert_eq!(connections[1]["channels"], json!([{"ch": "room", "offset": 0, "live": false}]));

    for (query, expected) in [
        ("user=bob", vec!["phone"]),
        ("client_id=laptop", vec!["laptop"]),
        ("ch=room", vec!["laptop", "phone"]),
        ("ch=slow", vec!["laptop"]),
        ("ch=slow&user=bob", vec![]),
    ] {
        let page = get(&server, &format!("/admin/connections?{query}")).await;
        assert_eq!(client_ids(&page), expected, "{query}");
    }
    let page = get(&server, "/admin/connections?limit=1").await;
    assert_eq!(client_ids(&page), ["laptop"]);
    let page = get(&server, &format!("/admin/connections?limit=1&after={}", page["next"])).await;
    assert_eq!((client_ids(&page), &page["next"]), (vec!["phone"], &Value::Null));

    ada.close().await;
    until(&server, "", |page| client_ids(page) == ["phone"]).await;
}

#[tokio::test]
async fn a_disconnected_client_is_sent_what_to_do() {
    let server = start(&["--token-secret", SECRET]);
    let greeted = async |user: &str| Client::greeted_with(&server, "c", Some(token(user))).await;
    let disconnect = async |body: Value| post(&server, "/admin/connections/disconnect", body).await;
    let mut other = greeted("other").await;

    let mut client = greeted("ada").await;
    let answer = disconnect(json!({"user": "ada", "then": "stop", "reason": "banned"})).await;
    assert_eq!(answer, (200, json!({"disconnected": 1})));
    assert_eq!(client.got().await, Got::Closed(4403, "banned".into()));

    let mut client = greeted("ada").await;
    disconnect(json!({"user": "ada", "client_id": "c", "then": "fresh_token"})).await;
    assert_eq!(client.got().await, Got::Closed(4401, "disconnected by an administrator".into()));

    let mut client = greeted("ada").await;
    disconnect(json!({"user": "ada", "then": "reconnect", "reconnect_in_ms": 7})).await;
    assert_eq!(client.next().await, json!({"op": "drain", "reconnect_in_ms": 7}));
    assert_eq!(client.closed().await.0, 1012);

    let mut client = greeted("ada").await;
    let page = until(&server, "user=ada", |page| client_ids(page).len() == 1).await;
    let id = &page["connections"][0]["id"];
    disconnect(json!({"id": id, "then": "reconnect"})).await;
    let wait_ms = client.next_op("drain").await["reconnect_in_ms"].as_u64().unwrap();
    assert!((100..1000).contains(&wait_ms), "{wait_ms}");

    assert_eq!(
        disconnect(json!({"user": "nobody", "then": "stop"})).await,
        (200, json!({"disconnected": 0}))
    );
    for (body, word) in [
        (json!({"then": "stop"}), "names nobody"),
        (json!({"user": "other"}), "then"),
        (json!({"user": "other", "then": "explode"}), "explode"),
        (json!({"user": "other", "then": "stop", "reason": "x".repeat(124)}), "123"),
        (json!({"user": "other", "then": "stop", "reconnect_in_ms": 1}), "reconnect_in_ms"),
        (json!({"user": "other", "then": "reconnect", "reconnect_in_ms": 300_001}), "300000"),
        (json!({"usr": "other", "then": "stop"}), "usr"),
        (json!({"user": null, "ch": "room", "then": "stop"}), "null"),
    ] {
        let (status, answer) = disconnect(body.clone()).await;
        assert_eq!(status, 400, "{body}: {answer}");
        assert!(answer["message"].as_str().unwrap().contains(word), "{body}: {answer}");
    }
    other.round_trip().await;
}

#[tokio::test]
async fn a_plain_client_is_disconnected_too() {
    let server = start(&[]);
    let mut client = Client::plain(&server, "conversation_id=c&client_id=phone").await;
    until(&server, "ch=c", |page| client_ids(page) == ["phone"]).await;
    post(&server, "/admin/connections/disconnect", json!({"ch": "c", "then": "reconnect"})).await;
    assert_eq!(client.closed().await.0, 1012);
}

#[tokio::test]
async fn many_channels_are_published_to_at_once() {
    let server = start(&["--max-frame-bytes", "1024"]);
    let mut client = Client::greeted(&server, "c").await;
    client.sub("a", 10, json!({"from": "tail"})).await;
    while client.next().await["op"] != "live" {}
    let batch = json!({"messages": [
        {"ch": "a", "key": "k1", "data": {"text": "hi"}},
        {"ch": "b", "data": null},
        {"ch": "a", "key": "k1", "data": {"text": "hi"}},
        {"ch": "a", "key": "k1", "data": "another"},
        {"ch": " a", "data": 1},
        {"ch": "a", "key": "", "data": 1},
        {"ch": "a", "data": "x".repeat(1024)},
        {"ch": "a", "key": "k2", "data": 2},
    ]});
    let (status, answer) = post(&server, "/admin/publish", batch.clone()).await;
    assert_eq!(status, 200, "{answer}");
    let results = answer["results"].as_array().unwrap();
    let summary: Vec<Value> = results
        .iter()
        .map(|result| match &result["error"]["code"] {
            Value::Null => json!([result["ch"], result["offset"], result["duplicate"]]),
            code => json!([result["ch"], code]),
        })
        .collect();
    let expected = [
        json!(["a", 1, false]),
        json!(["b", 1, false]),
        json!(["a", 1, true]),
        json!(["a", "key_conflict"]),
        json!([" a", "bad_channel"]),
        json!(["a", "bad_key"]),
        json!(["a", "too_large"]),
        json!(["a", 2, false]),
    ];
    assert_eq!(summary, expected);
    assert_eq!((&results[0]["key"], &results[1]["key"]), (&json!("k1"), &Value::Null));
    let mut live = Vec::new();
    while live.len() < 2 {
        live.extend(client.next_op("msgs").await["data"].as_array().unwrap().clone());
    }
    assert_eq!(live, [json!({"text": "hi"}), json!(2)]);
    assert_eq!(server.read("b", 0).await["messages"][0]["data"], Value::Null);

    let many: Vec<Value> = (0..1001).map(|i| json!({"ch": "m", "data": i})).collect();
    assert_eq!(post(&server, "/admin/publish", json!({ "messages": many })).await.0, 413);
    let (status, answer) = post(&server, "/admin/publish", json!({ "messages": many[..1000] })).await;
    assert_eq!((status, &answer["results"][999]["offset"]), (200, &json!(1000)));
    assert_eq!(post(&server, "/admin/publish", json!({"messages": [{"ch": "a"}]})).await.0, 400);
}

#[tokio::test]
async fn channels_are_listed_trimmed_and_deleted() {
    let server = start(&[]);
    for ch in ["a", "b", "c"] {
        server.publish_all(ch, 1..=5).await;
    }
    let (mut listed, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = get(&server, &format!("/admin/channels?limit=2{cursor}")).await;
        listed.extend(page["channels"].as_array().unwrap().clone());
        let Some(next) = page["next"].as_str() else { break };
        cursor = format!("&cursor={next}");
    }
    listed.sort_by_key(Value::to_string);
    assert_eq!(listed, [json!("a"), json!("b"), json!("c")]);

    for (through, word) in
        [(json!(-1), "-1"), (json!(1.5), "1.5"), (json!(1e300), "1e+300"), (json!("1"), "string")]
    {
        let (status, answer) = post(&server, "/admin/channels/a/trim", json!({ "through": through })).await;
        assert_eq!(status, 400, "{answer}");
        assert!(answer["message"].as_str().unwrap().contains(word), "{answer}");
    }
    let (status, ends) = post(&server, "/admin/channels/a/trim", json!({"through": 3.0})).await;
    assert_eq!((status, &ends["first"], &ends["head"]), (200, &json!(4), &json!(5)));
    let page = get(&server, "/admin/channels/a/messages?last=9").await;
    assert_eq!(page["messages"].as_array().unwrap().len(), 2);
    assert_eq!(get(&server, "/admin/channels/a").await["epoch"], ends["epoch"]);

    let mut client = Client::greeted(&server, "reader").await;
    client.sub("b", 10, json!({"from": "tail"})).await;
    while client.next().await["op"] != "live" {}
    let delete = async |url: String| request("DELETE", url, &[], b"").await.0;
    assert_eq!(delete(server.admin_url("/admin/channels/b")).await, 204);
    let again = client.next_op("subd").await;
    assert_eq!((&again["head"], &again["resumed"]), (&json!(0), &json!(false)), "a new log");
    assert_eq!(delete(server.admin_url("/admin/channels/new")).await, 404);
    // Clients that may publish must not be able to delete what others have published.
    assert_eq!(delete(server.url("/channels/c")).await, 405);
}

#[tokio::test]
async fn the_admin_port_answers_until_the_end() {
    let mut server = start(&["--drain-delay", "30s"]);
    let ready = server.admin_url("/readyz");
    assert_eq!(request("GET", ready.clone(), &[], b"").await.0, 200);
    server.terminate();
    let start = std::time::Instant::now();
    while request("GET", ready.clone(), &[], b"").await.0 != 503 {
        assert!(start.elapsed() < PATIENCE, "it is still ready");
    }
    assert_eq!(request("GET", server.admin_url("/metrics"), &[], b"").await.0, 200);
    server.terminate(); // ends the delay
    assert_eq!(server.ended().await.code(), Some(0));
}

fn client_ids(page: &Value) -> Vec<&str> {
    let connections = page["connections"].as_array().unwrap();
    connections.iter().map(|connection| connection["client_id"].as_str().unwrap()).collect()
}

/// Waits until a page of connections is as it should be.
async fn until(server: &Server, query: &str, done: impl Fn(&Value) -> bool) -> Value {
    let start = std::time::Instant::now();
    loop {
        let page = get(server, &format!("/admin/connections?{query}")).await;
        if done(&page) {
            return page;
        }
        assert!(start.elapsed() < PATIENCE, "{page}");
    }
}
