//! A server as the tests of the pure steps see it.

use std::sync::Arc;

use howdah_crd::{MastodonInstance, labels, secrets};
use k8s_openapi::api::core::v1::Secret;
use secrecy::SecretString;
use serde_json::{Value, json};
use tokio_postgres::config::Host;

use super::dereference::Dereferenced;
use crate::cache::{SecretSeen, Secrets, Snapshot};
use crate::config::OperatorConfig;
use crate::provider::{DatabaseServer, DatabaseServerSettings, ObjectStore, ObjectStoreSettings, SslMode};

pub const ID: &str = "0192f0c1-2d3e-7a4b-8c5d-6e7f8a9b0c1d";
/// Of [`import`]: its id, and where its rehearsal is looked at.
pub const IMPORT: &str = "0192f0c1-2d3e-7a4b-8c5d-6e7f8a9b0c2d";
pub const PREVIEW: &str = "birds-preview.fedi.example.net";

pub const CONFIG: &str = r#"
platformDomains: [fedi.example.net]
ingressClass: traefik
certificates:
  platformSecret: platform-tls
  issuer: {ca: {secret: private-ca}}
databaseServers:
  main: {host: 10.0.0.1, port: 5433, user: p, passwordFile: /p, sslMode: disable, template: t}
objectStores:
  main: {endpoint: "http://10.0.0.1:8333", region: us-east-1, accessKeyFile: /a, secretKeyFile: /s}
podProfiles:
  default: {}
  real: {nodeSelector: {type: real}, tolerations: [{key: real, value: "true", effect: NoSchedule}], storageClass: local, imagePullPolicy: Never}
network:
  dns: [{cidr: 10.0.0.1/32, port: 53}]
  databases: [{cidr: 10.0.0.1/32, port: 5433}]
  objectStores: [{cidr: 10.0.0.1/32, port: 8333}]
  mail: [{cidr: 10.0.0.1/32, port: 1025}]
  ingress: [{cidr: 10.0.0.1/32}]
  operator: [{cidr: 10.0.0.1/32}]
  clusterCidrs: [10.96.0.0/16, "fd00:10::/64"]
  outsideAllowedCidrs: [10.30.0.0/16, "fd00:30::/64"]
bundles: {store: main, bucket: howdah-bundles, image: howdah:1}
"#;

pub fn config() -> OperatorConfig {
    OperatorConfig::parse(CONFIG).unwrap()
}

pub fn resource() -> Value {
    json!({
        "apiVersion": "howdah.dev/v1alpha1", "kind": "MastodonInstance",
        "metadata": {"name": "example", "uid": "cr-uid", "resourceVersion": "7", "generation": 3, "creationTimestamp": "2026-01-01T00:00:00Z"},
        "spec": {
            "id": ID, "domain": "social.example.org", "revision": 1, "version": "4.5.11",
            "image": {"mastodon": "mastodon:4.5.11", "streaming": "streaming:4.5.11"},
            "placement": "real",
            "resources": {
                "web": {"replicas": 2, "concurrency": 2, "threads": 5, "cpu": "250m", "memory": "1024Mi"},
                "streaming": {"replicas": 1, "dbPool": 10, "cpu": "50m", "memory": "192Mi"},
                "sidekiq": {"replicas": 1, "threads": 15, "cpu": "200m", "memory": "768Mi"},
                "scheduler": {"threads": 5, "cpu": "50m", "memory": "512Mi"},
                "redis": {"storage": "2Gi", "cpu": "50m", "memory": "256Mi"},
            },
            "bootstrap": {"new": {"ownerSecretRef": {"name": "example-owner"}}},
            "identitySecretRef": {"name": "example-identity"},
            "smtpRef": {"name": "example-smtp"},
            "database": {"server": "main"}, "objectStorage": {"store": "main"},
            "routing": {"enabled": true},
        },
    })
}

/// A Secret with something under each of these keys.
pub fn secret(keys: &[&str]) -> SecretSeen {
    let data: serde_json::Map<String, Value> = keys.iter().map(|key| ((*key).to_owned(), json!("eA=="))).collect();
    let secret: Secret = serde_json::from_value(json!({
        "metadata": {"name": "s", "uid": "s-uid", "resourceVersion": "1", "labels": {labels::INSTANCE: ID}}, "data": data,
    }))
    .unwrap();
    SecretSeen::of(&secret).unwrap()
}

pub fn database_server() -> DatabaseServerSettings {
    DatabaseServerSettings {
        host: "10.0.0.1".to_owned(),
        port: 5433,
        user: "p".to_owned(),
        password: SecretString::from("p"),
        sslmode: SslMode::Disable,
        ca_file: None,
        database: "postgres".to_owned(),
        template: "t".to_owned(),
    }
}

/// The PostgreSQL that tests have, as its superuser.
pub fn test_database() -> DatabaseServerSettings {
    let url = std::env::var("HOWDAH_TEST_DATABASE_URL").expect("HOWDAH_TEST_DATABASE_URL: a superuser's URL of a PostgreSQL for tests");
    let parsed: tokio_postgres::Config = url.parse().unwrap();
    let Some(Host::Tcp(host)) = parsed.get_hosts().first().cloned() else { panic!("the URL names no TCP host") };
    DatabaseServerSettings {
        host,
        port: parsed.get_ports().first().copied().unwrap_or(5432),
        user: parsed.get_user().unwrap_or("postgres").to_owned(),
        password: SecretString::from(String::from_utf8_lossy(parsed.get_password().unwrap_or_default()).into_owned()),
        sslmode: SslMode::Disable,
        ca_file: None,
        database: parsed.get_dbname().unwrap_or("postgres").to_owned(),
        template: "template0".to_owned(),
    }
}

pub fn object_store() -> ObjectStoreSettings {
    ObjectStoreSettings {
        endpoint: "http://10.0.0.1:8333".to_owned(),
        region: "us-east-1".to_owned(),
        access_key: "a".to_owned(),
        secret_key: SecretString::from("s"),
    }
}

pub fn dereferenced(resource: Value) -> Dereferenced {
    let cr: MastodonInstance = serde_json::from_value(resource).unwrap();
    Dereferenced {
        id: cr.spec.id.parse().unwrap(),
        cr: Arc::new(cr),
        rivalry: None,
        database: Some(DatabaseServer::new(database_server())),
        database_ca: None,
        store: Some(ObjectStore::new(object_store()).unwrap()),
        bundle_store: Some(ObjectStore::new(object_store()).unwrap()),
        identity: Some(secret(&secrets::identity::REQUIRED)),
        owner: Some(secret(&secrets::owner::REQUIRED)),
        bundle_key: Some(secret(&secrets::import::REQUIRED)),
        owner_link: None,
        smtp: Some(secret(&secrets::smtp::REQUIRED)),
        secrets: Secrets::new(),
        secrets_known: true,
        children: Snapshot::new(),
        now: "2026-01-01T00:01:00Z".parse().unwrap(),
    }
}

/// The resource of a bundle's server, whose first pass is rehearsed.
pub fn import() -> Value {
    let mut resource = resource();
    let spec = &mut resource["spec"];
    spec["bootstrap"] = json!({"import": {
        "id": IMPORT, "prefix": "imports/birds", "keySecretRef": {"name": "example-key"}, "pass": 1,
    }});
    spec["powerState"] = json!("Rehearsal");
    spec["routing"] = json!({"enabled": false, "previewHost": PREVIEW});
    resource
}

/// Its status once the wanted pass is loaded.
pub fn loaded(resource: Value, conditions: &[&str]) -> Value {
    let import = &resource["spec"]["bootstrap"]["import"];
    let mark = format!("{}/{}", import["id"].as_str().unwrap(), import["pass"]);
    let mut resource = with_true(resource, conditions);
    resource["status"]["loaded"] = json!(mark);
    resource
}

/// The resource with a status that says so of each of these conditions.
pub fn with_true(mut resource: Value, conditions: &[&str]) -> Value {
    let conditions: Vec<Value> = conditions
        .iter()
        .map(|it| json!({"type": it, "status": "True", "reason": "Ready", "message": "", "lastTransitionTime": "2026-01-01T00:00:30Z"}))
        .collect();
    resource["status"] = json!({"schemaVersion": resource["spec"]["version"], "conditions": conditions});
    resource
}
