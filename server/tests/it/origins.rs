//! Pages of other origins are refused on the socket and over HTTP, before anything else is looked at. Browsers learn
//! which pages are allowed.

use futures::future::join_all;
use serde_json::json;

use crate::support::{Client, SECRET, Server, ask, request, token};

#[tokio::test]
async fn without_tokens_only_local_pages_are_allowed() {
    let server = Server::start(&[]);
    let url = || server.url("/channels/c/messages");
    for origin in ["http://127.0.0.1:3000", "http://localhost:5173"] {
        assert_eq!(request("POST", url(), &[("origin", origin)], b"1").await.0, 201, "{origin}");
        Client::try_connect_from(&server, origin).await.unwrap();
    }
    for origin in ["http://evil.example", "null", "http://localhost.evil.example"] {
        let (status, answer) = request("POST", url(), &[("origin", origin)], b"1").await;
        assert_eq!((status, &answer["code"]), (403, &json!("origin_not_allowed")), "{origin}");
        let message = answer["message"].as_str().unwrap();
        assert!(message.contains("--allow-origin"), "{answer}");
        assert_eq!(message.contains("--allow-origin null"), origin == "null", "{answer}");
        assert_eq!(Client::try_connect_from(&server, origin).await.err(), Some(403), "{origin}");
    }
    assert_eq!(server.read("c", 0).await["head"], 2, "a refused publication is not stored");
    let rebound = [("host", "evil.example")];
    assert_eq!(
        request("GET", url(), &rebound, b"").await.0,
        403,
        "a name that leads here is no loopback name"
    );
    assert_eq!(request("GET", server.url("/healthz"), &rebound, b"").await.0, 200);
}

#[tokio::test]
async fn with_tokens_own_and_listed_origins_are_allowed() {
    let server =
        Server::start(&["--token-secret", SECRET, "--allow-origin", "https://app.example,https://b.example"]);
    let own = server.url("");
    for origin in ["https://app.example", "https://b.example", &own] {
        Client::try_connect_from(&server, origin).await.unwrap();
    }
    for origin in ["http://app.example", "https://app.example:1", "null"] {
        assert_eq!(Client::try_connect_from(&server, origin).await.err(), Some(403), "{origin}");
    }
}

#[tokio::test]
async fn preflight_requests_are_answered() {
    let server = Server::start(&["--token-secret", SECRET, "--allow-origin", "https://app.example"]);
    let url = || server.url("/channels/c/messages");
    let preflight = [
        ("origin", "https://app.example"),
        ("access-control-request-method", "POST"),
        ("access-control-request-headers", "authorization,idempotency-key"),
    ];
    let answer = ask("OPTIONS", url(), &preflight, b"").await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.headers["access-control-allow-origin"], "https://app.example");
    let allows = |what: &str| answer.headers[what].to_str().unwrap().to_lowercase();
    for name in ["authorization", "content-type", "idempotency-key"] {
        assert!(allows("access-control-allow-headers").contains(name), "{name}");
    }
    for method in ["get", "post"] {
        assert!(allows("access-control-allow-methods").contains(method), "{method}");
    }
    assert!(answer.headers.get("access-control-allow-credentials").is_none(), "the server uses no cookies");

    let refused = ask("OPTIONS", url(), &[("origin", "https://c.example"), preflight[1]], b"").await;
    assert_eq!(refused.status, 403);
    assert!(refused.headers.get("access-control-allow-origin").is_none());
}

/// Including refusals: a page that cannot read one cannot react to it.
#[tokio::test]
async fn an_allowed_page_may_read_every_answer() {
    let args =
        ["--token-secret", SECRET, "--allow-origin", "https://app.example", "--max-frame-bytes", "2000"];
    let server = Server::start(&[&args[..], &["--max-publishes-per-second", "1"]].concat());
    let url = || server.url("/channels/c/messages");
    let bearer = format!("Bearer {}", token("ada"));
    let large = "1".repeat(3000);
    let heard = async |method: &str, token: &str, body: &str| {
        let headers = [("origin", "https://app.example"), ("authorization", token)];
        let answer = ask(method, url(), &headers, body.as_bytes()).await;
        assert_eq!(answer.headers["access-control-allow-origin"], "https://app.example", "{}", answer.status);
        assert!(answer.headers.get_all("vary").iter().any(|vary| vary.to_str().unwrap().contains("origin")));
        let exposed = answer.headers["access-control-expose-headers"].to_str().unwrap().to_lowercase();
        assert!(exposed.contains("retry-after") && exposed.contains("www-authenticate"), "{exposed}");
        answer.status
    };
    for (method, token, body, status) in [
        ("POST", &*bearer, "1", 201),
        ("GET", &bearer, "", 200),
        ("GET", "Bearer nonsense", "", 401),
        ("POST", &bearer, "nonsense", 400),
        ("POST", &bearer, &large, 413),
    ] {
        assert_eq!(heard(method, token, body).await, status);
    }
    // All at once, and so faster than once a second however slow the disk is.
    let statuses = join_all((0..30).map(|_| heard("POST", &bearer, "1"))).await;
    assert!(statuses.contains(&429), "{statuses:?}");
}
