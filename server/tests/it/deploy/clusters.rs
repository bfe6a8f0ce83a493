//! The Kubernetes manifests and the compose file agree with the server: settings, ports, probes and the drain's time.

use std::process::Command;

use serde_json::Value;

use super::text;
use crate::support::{SECRET, Server, request, without_settings};

/// How long a drain takes (`DRAIN_TIMEOUT` and what follows), in seconds.
const DRAIN_S: u64 = 5;

fn manifests() -> [Value; 3] {
    let all: Vec<Value> = serde_saphyr::from_multiple(&text("kubernetes/seamline.yaml")).unwrap();
    all.try_into().expect("a Deployment, a Service and a PodDisruptionBudget")
}

fn services() -> Value {
    let file: Value = serde_saphyr::from_str(&text("compose.yaml")).unwrap();
    file["services"].clone()
}

/// The settings that the server has with these variables.
fn settings<'a>(variables: impl Iterator<Item = (&'a str, &'a str)>) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_seamline-server"));
    let output = without_settings(&mut command).arg("--print-config").envs(variables).output().unwrap();
    let text = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    assert!(output.status.success() && !text.contains("not a setting"), "{text}");
    text
}

#[tokio::test]
async fn kubernetes_probes_lead_to_the_server() {
    let [deployment, service, budget] = manifests();
    let pod = &deployment["spec"]["template"];
    let container = &pod["spec"]["containers"][0];
    let server = Server::start(&[]);
    for probe in ["readinessProbe", "livenessProbe"] {
        let get = &container[probe]["httpGet"];
        assert_eq!(get["port"], container["ports"][0]["name"]);
        let (status, body) = request("GET", server.url(get["path"].as_str().unwrap()), &[], b"").await;
        assert_eq!((status, &body["status"]), (200, &"ok".into()), "{probe}");
    }
    // The image listens there.
    let port = container["ports"][0]["containerPort"].as_u64().unwrap();
    assert!(text("Dockerfile").contains(&format!("SEAMLINE_LISTEN=0.0.0.0:{port} ")));
    let user = pod["spec"]["securityContext"]["runAsUser"].as_u64().unwrap();
    assert!(text("Dockerfile").contains(&format!("\nUSER {user}\n")));
    let labels = &pod["metadata"]["labels"];
    for selector in [
        &deployment["spec"]["selector"]["matchLabels"],
        &service["spec"]["selector"],
        &budget["spec"]["selector"]["matchLabels"],
    ] {
        assert_eq!(selector, labels);
    }
    assert_eq!(service["spec"]["ports"][0]["targetPort"], container["ports"][0]["name"]);
}

#[test]
fn kubernetes_waits_for_the_drain() {
    let [deployment, ..] = manifests();
    let pod = &deployment["spec"]["template"]["spec"];
    let variables = pod["containers"][0]["env"].as_array().unwrap();
    let variables = variables.iter().map(|v| (v["name"].as_str().unwrap(), v["value"].as_str().unwrap()));
    let delay = variables.clone().find(|(name, _)| *name == "SEAMLINE_DRAIN_DELAY").unwrap().1;
    let delay: u64 = delay.strip_suffix('s').unwrap().parse().unwrap();
    assert!(pod["terminationGracePeriodSeconds"].as_u64().unwrap() > delay + DRAIN_S);
    // Those of the secret, which the first lines of the file create.
    let secret = [("SEAMLINE_TOKEN_SECRET", SECRET), ("SEAMLINE_LOG", "redis://:password@redis:6379/0")];
    for (name, _) in secret {
        assert!(text("kubernetes/seamline.yaml").contains(&format!("--from-literal={name}=")));
    }
    settings(variables.chain(secret));
    assert_eq!(pod["enableServiceLinks"], false);
}

#[test]
fn compose_settings_are_known() {
    let services = services();
    let server = &services["seamline-a"];
    assert_eq!(&services["seamline-b"], server);
    // Caddy checks each of them.
    assert_eq!(services["caddy"]["environment"]["SEAMLINE_UPSTREAM"], "seamline-a:8080 seamline-b:8080");
    let variables = server["environment"].as_object().unwrap().iter().map(|(name, value)| {
        let value = value.as_str().unwrap();
        (&name[..], if name == "SEAMLINE_TOKEN_SECRET" { SECRET } else { value })
    });
    assert!(settings(variables).contains("log = \"redis://redis:6379/0\" # SEAMLINE_LOG"));
    let wait = server["stop_grace_period"].as_str().unwrap().trim_end_matches('s');
    assert!(wait.parse::<u64>().unwrap() > DRAIN_S);
    for (variable, value) in services["caddy"]["environment"].as_object().unwrap() {
        assert!(text("proxies/Caddyfile").contains(&format!("{{${variable}:")), "{variable}={value}");
    }
}
