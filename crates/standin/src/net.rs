//! The client for requests to other servers: the system's trusted certificates, short time-outs, no redirects for deliveries.

use std::time::Duration;

use crate::version::Version;

pub fn client(version: Version, web_domain: &str) -> reqwest::Result<reqwest::Client> {
    reqwest::Client::builder()
        .user_agent(format!("Mastodon/{version} (+https://{web_domain}/)"))
        .connect_timeout(Duration::from_secs(5))
        .timeout(Duration::from_secs(10))
        .redirect(reqwest::redirect::Policy::none())
        .build()
}
