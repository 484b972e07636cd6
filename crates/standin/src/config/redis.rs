//! Where Redis is. The stand-in uses one for its three roles (app, jobs, cache).

use super::reader::{Reader, Refusal};
use crate::version::Version;

#[derive(Clone, Debug)]
pub struct RedisConfig {
    /// What the `redis` crate connects to; its `Debug` hides no password, so it is never logged.
    pub url: String,
}

pub fn read(reader: &mut Reader<'_>, version: Version) -> RedisConfig {
    if version.line() >= (4, 4) && reader.env.get("REDIS_NAMESPACE").is_some() {
        reader.refuse(Refusal::Removed { name: "REDIS_NAMESPACE".to_owned(), since: "4.4" });
    }
    if let Some(url) = reader.env.get("REDIS_URL") {
        if redis::parse_redis_url(url).is_none() {
            reader.malformed("REDIS_URL", "redis://:password@host:port/0 is wanted");
        }
        return RedisConfig { url: url.to_owned() };
    }
    let host = reader.required("REDIS_HOST");
    reader.checked("REDIS_PORT", "a port is wanted", |port| port.parse::<u16>().is_ok());
    let port: u16 = reader.env.get("REDIS_PORT").and_then(|port| port.parse().ok()).unwrap_or(6379);
    let database: u8 = reader.number("REDIS_DB", 0);
    let password = reader.env.get("REDIS_PASSWORD").map(|password| format!(":{}@", percent(password))).unwrap_or_default();
    RedisConfig { url: format!("redis://{password}{host}:{port}/{database}") }
}

/// A password may hold what a URL may not.
fn percent(text: &str) -> String {
    text.bytes().map(|byte| if byte.is_ascii_alphanumeric() { char::from(byte).to_string() } else { format!("%{byte:02X}") }).collect()
}
