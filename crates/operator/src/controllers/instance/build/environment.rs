//! Mastodon's environment, and the numbers of connections that follow from it.
//! Which variables there are, and which are mandatory: DOC:admin/config.md, UP:config/initializers.

use howdah_crd::{Resources, secrets};
use serde_json::{Value, json};

use crate::controllers::instance::names;
use crate::controllers::instance::validate::{DatabaseCa, Valid};
use crate::provider::{DatabaseEndpoint, SslMode};

/// In the Secret of the database server's authorities, and so in the folder that it is mounted at.
pub const CA_KEY: &str = "ca.crt";
const CA_FOLDER: &str = "/etc/howdah/database";
/// The public authorities of Mastodon's images, which are Debian's. `PGSSLROOTCERT=system` says the same only from libpq 16 on, and
/// older images have libpq 15.
const PUBLIC_CAS: &str = "/etc/ssl/certs/ca-certificates.crt";

/// Connections of one Job: Rails' pool at its default, and the advisory lock's own.
const JOB_CONNECTIONS: i32 = 6;
/// Migration, bundle and task.
const JOBS: i32 = 3;
/// Hourly usage, a person's look with psql.
const SPARE: i32 = 4;

/// CONNECTION LIMIT of the role: both generations of a roll, and the Jobs.
#[must_use]
pub fn connection_limit(resources: &Resources) -> i32 {
    let Resources { web, streaming, sidekiq, scheduler, redis: _ } = resources;
    let one_generation = web.replicas * web.concurrency * web.threads
        + streaming.replicas * streaming.db_pool
        + sidekiq.replicas * (sidekiq.threads + 1)
        + scheduler.threads
        + 1;
    2 * one_generation + JOBS * JOB_CONNECTIONS + SPARE
}

pub fn variable(name: &str, value: impl Into<String>) -> Value {
    json!({"name": name, "value": value.into()})
}

pub fn from_secret(name: &str, secret: &str, key: &str) -> Value {
    json!({"name": name, "valueFrom": {"secretKeyRef": {"name": secret, "key": key}}})
}

/// What every process of Mastodon's needs that opens the database: `pool` is its `DB_POOL`.
pub fn database(valid: &Valid<'_>, pool: i32) -> Vec<Value> {
    let endpoint = valid.database.endpoint();
    vec![
        variable("DB_HOST", endpoint.host),
        variable("DB_PORT", endpoint.port.to_string()),
        variable("DB_NAME", &valid.namespace),
        variable("DB_USER", &valid.namespace),
        from_secret("DB_PASS", names::DATABASE, "DB_PASS"),
        variable("DB_SSLMODE", endpoint.sslmode.as_str()),
        variable("DB_POOL", pool.to_string()),
        variable("PREPARED_STATEMENTS", "true"),
    ]
}

/// By whom libpq verifies the server, where it does: Rails has no variable of its own for that (UP:config/database.yml).
fn libpq_authorities(valid: &Valid<'_>) -> Option<Value> {
    authorities_file(valid).map(|it| variable("PGSSLROOTCERT", it))
}

fn authorities_file(valid: &Valid<'_>) -> Option<String> {
    let file = || if valid.database_ca.is_some() { format!("{CA_FOLDER}/{CA_KEY}") } else { PUBLIC_CAS.to_owned() };
    (valid.database.endpoint().sslmode == SslMode::VerifyFull).then(file)
}

/// The same in one address, for Howdah's own loader. `password`, a random one or what stands for it, has nothing to be quoted.
pub fn database_url(valid: &Valid<'_>, password: &str) -> String {
    let DatabaseEndpoint { host, port, sslmode } = valid.database.endpoint();
    let host = if host.contains(':') { format!("[{host}]") } else { host };
    let name = &valid.namespace;
    let authorities = authorities_file(valid).map(|it| format!("&sslrootcert={it}")).unwrap_or_default();
    format!("postgres://{name}:{password}@{host}:{port}/{name}?sslmode={}{authorities}", sslmode.as_str())
}

/// By whom Node.js verifies the server: by the public authorities that it brings along, and these (UP:streaming/database.js).
pub fn node_authorities(valid: &Valid<'_>) -> Option<Value> {
    valid.database_ca.as_ref().map(|_| variable("NODE_EXTRA_CA_CERTS", format!("{CA_FOLDER}/{CA_KEY}")))
}

/// Volume and mount of what the two above name.
pub fn authorities(valid: &Valid<'_>) -> Option<(Value, Value)> {
    let DatabaseCa { secret, pem: _ } = valid.database_ca.as_ref()?;
    let name = "database-ca";
    Some((json!({"name": name, "secret": {"secretName": secret}}), json!({"name": name, "mountPath": CA_FOLDER, "readOnly": true})))
}

pub fn redis() -> Vec<Value> {
    vec![
        variable("REDIS_HOST", howdah_crd::labels::process::REDIS),
        variable("REDIS_PORT", "6379"),
        from_secret("REDIS_PASSWORD", names::REDIS, "REDIS_PASSWORD"),
    ]
}

pub fn domains(valid: &Valid<'_>) -> Vec<Value> {
    let mut variables = vec![variable("LOCAL_DOMAIN", &valid.spec.domain)];
    if let Some(web_domain) = &valid.spec.web_domain {
        variables.push(variable("WEB_DOMAIN", web_domain));
    }
    variables
}

/// All of a Rails process: web, Sidekiq, Jobs.
pub fn rails(valid: &Valid<'_>, pool: i32) -> Vec<Value> {
    let store = valid.store.endpoint();
    let mut variables = vec![
        variable("RAILS_ENV", "production"),
        variable("NODE_ENV", "production"),
        variable("RAILS_LOG_TO_STDOUT", "enabled"),
        variable("RAILS_LOG_LEVEL", "warn"),
        variable("RAILS_SERVE_STATIC_FILES", "true"),
    ];
    variables.extend(domains(valid));
    if !valid.trusted_proxies.is_empty() {
        variables.push(variable("TRUSTED_PROXY_IP", valid.trusted_proxies.join(",")));
    }
    variables.extend(database(valid, pool));
    variables.extend(libpq_authorities(valid));
    variables.extend(redis());
    variables.extend([
        variable("S3_ENABLED", "true"),
        variable("S3_BUCKET", &valid.namespace),
        variable("S3_REGION", store.region),
        variable("S3_ENDPOINT", store.url),
        variable("S3_HOSTNAME", store.hostname),
        // Of the media's public addresses, which are always our own hosts; how the store is reached, the endpoint says.
        variable("S3_PROTOCOL", "https"),
        variable("S3_ALIAS_HOST", &valid.media_domain),
        // The bucket's policy opens media to everyone; an ACL would be refused by stores that block public ones.
        variable("S3_PERMISSION", "private"),
        from_secret("AWS_ACCESS_KEY_ID", names::OBJECT_STORE, "AWS_ACCESS_KEY_ID"),
        from_secret("AWS_SECRET_ACCESS_KEY", names::OBJECT_STORE, "AWS_SECRET_ACCESS_KEY"),
    ]);
    for key in secrets::identity::REQUIRED {
        variables.push(from_secret(key, names::IDENTITY, key));
    }
    if valid.identity_has_otp_secret {
        let key = secrets::identity::OTP_SECRET;
        variables.push(from_secret(key, names::IDENTITY, key));
    }
    if valid.farewell_on {
        variables.push(from_secret("SELF_DESTRUCT", names::FAREWELL, "SELF_DESTRUCT"));
    }
    variables
}

/// The relay's variables, whichever the Secret has.
pub fn smtp(valid: &Valid<'_>) -> Value {
    json!([{"secretRef": {"name": valid.smtp_secret}}])
}
