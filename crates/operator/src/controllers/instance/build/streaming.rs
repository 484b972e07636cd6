//! Mastodon's streaming server: one Node.js process a pod.

use howdah_crd::labels::process;
use serde_json::json;

use super::web::{budget, rolling};
use super::{Desired, environment, pod};
use crate::controllers::instance::validate::Valid;

pub const PORT: u16 = 4000;
const HEALTH: &str = "/api/v1/streaming/health";

/// `stops`: none of it is to run.
pub fn streaming(valid: &Valid<'_>, stops: bool) -> Vec<Desired> {
    let wanted = &valid.spec.resources.streaming;
    let mut env = vec![
        environment::variable("NODE_ENV", "production"),
        environment::variable("BIND", "0.0.0.0"),
        environment::variable("PORT", PORT.to_string()),
    ];
    env.extend(environment::domains(valid));
    if !valid.trusted_proxies.is_empty() {
        env.push(environment::variable("TRUSTED_PROXY_IP", valid.trusted_proxies.join(",")));
    }
    env.extend(environment::database(valid, wanted.db_pool));
    env.extend(environment::node_authorities(valid));
    env.extend(environment::redis());
    let container = json!({
        "image": valid.spec.image.streaming,
        "command": ["node", "./streaming/index.js"],
        "env": env,
        "ports": [{"name": "http", "containerPort": PORT}],
        "startupProbe": pod::http_probe(HEALTH, PORT, 1, 120),
        "readinessProbe": pod::http_probe(HEALTH, PORT, 5, 3),
        "livenessProbe": pod::http_probe(HEALTH, PORT, 20, 6),
        "resources": pod::resources(&wanted.process),
    });
    let replicas = if stops { 0 } else { wanted.replicas };
    let mut objects = vec![rolling(valid, process::STREAMING, replicas, pod::mastodon(valid, process::STREAMING, 30, container))];
    objects.extend(budget(valid, process::STREAMING, wanted.replicas));
    objects
}
