//! What server, worker and admin commands share: the record, its keys, and what the installation says.

use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use chrono::TimeDelta;
use clap::{Args, ValueEnum};
use howdah_app::adapters::PublicBuckets;
use howdah_app::config::{Images, Relay, Starttls};
use howdah_app::{App, Config, OsRandomness};
use howdah_bundle::outside::{Allowed, Network};
use howdah_db::Database;
use howdah_db::seal::KeyRing;
use howdah_domain::{NameRules, Plans, Releases};
use tokio::runtime::Handle;

use super::billing::BillingArgs;
use super::bundles::BundlesArgs;
use super::clock::ClockArgs;
use super::{DatabaseArgs, read_secret};

#[derive(Clone, Copy, ValueEnum)]
enum RelayStarttls {
    Always,
    Auto,
    Never,
}

#[derive(Args)]
pub struct ControlPlaneArgs {
    #[command(flatten)]
    pub database: DatabaseArgs,
    /// Connections to the database that this process holds at most.
    #[arg(long, env = "HOWDAH_DATABASE_CONNECTIONS", default_value_t = 16)]
    database_connections: usize,
    /// The key-encryption keys, a line each, the one to seal with first: `howdah admin new-key` makes one.
    #[arg(long, env = "HOWDAH_KEY_FILE")]
    key_file: PathBuf,
    /// The dashboard as people open it, `https://howdah.example`: for links in mails.
    #[arg(long, env = "HOWDAH_DASHBOARD_URL")]
    dashboard_url: String,
    /// Domains directly under which customers get an address, on the public-suffix list and not the dashboard's own.
    #[arg(long = "platform-domain", env = "HOWDAH_PLATFORM_DOMAINS", value_delimiter = ',')]
    platform_domains: Vec<String>,
    /// Reserved top-level names that own domains may end in all the same (`test`, in a development stack).
    #[arg(long = "allowed-tld", env = "HOWDAH_ALLOWED_TLDS", value_delimiter = ',')]
    allowed_tlds: Vec<String>,
    /// How long a close can be taken back.
    #[arg(long, env = "HOWDAH_GRACE", default_value = "14d", value_parser = humantime::parse_duration)]
    grace: Duration,
    /// Where the clusters' ingress is reached from outside: what an own domain's A and AAAA records have to say.
    #[arg(long = "ingress-address", env = "HOWDAH_INGRESS_ADDRESSES", value_delimiter = ',')]
    pub ingress_addresses: Vec<IpAddr>,
    /// A name with those addresses, for CNAME records.
    #[arg(long, env = "HOWDAH_INGRESS_NAME")]
    ingress_name: Option<String>,
    /// Whom the servers' certificates are from, as CAA records name it.
    #[arg(long, env = "HOWDAH_CERTIFICATE_AUTHORITY", default_value = "letsencrypt.org")]
    certificate_authority: String,
    /// The mail relay of the customers' servers.
    #[arg(long, env = "HOWDAH_RELAY_SERVER")]
    relay_server: String,
    #[arg(long, env = "HOWDAH_RELAY_PORT", default_value_t = 587)]
    relay_port: u16,
    /// A file with a password that the relay takes for every server's login; without it each server has its own, random.
    #[arg(long, env = "HOWDAH_RELAY_PASSWORD_FILE")]
    relay_password_file: Option<PathBuf>,
    /// The domain of the sender's address of servers that have none of their own yet.
    #[arg(long, env = "HOWDAH_RELAY_FROM_DOMAIN")]
    relay_from_domain: String,
    /// Whether customers' servers speak to it encrypted: `auto` where it offers to, which whoever stands in between can hide.
    #[arg(long, env = "HOWDAH_RELAY_STARTTLS", value_enum, default_value = "always")]
    relay_starttls: RelayStarttls,
    /// Another image than Mastodon's own; `{version}` stands for the version.
    #[arg(long, env = "HOWDAH_MASTODON_IMAGE", requires = "streaming_image")]
    mastodon_image: Option<String>,
    /// The same of streaming.
    #[arg(long, env = "HOWDAH_STREAMING_IMAGE", requires = "mastodon_image")]
    streaming_image: Option<String>,
    #[command(flatten)]
    bundles: BundlesArgs,
    #[command(flatten)]
    pub billing: BillingArgs,
    #[command(flatten)]
    clock: ClockArgs,
    /// Networks that addresses of customers' may lead to (their own buckets), though they are not the public internet's: `10.1.0.0/16`.
    #[arg(long = "outside-allowed-cidr", env = "HOWDAH_OUTSIDE_ALLOWED_CIDRS", value_delimiter = ',')]
    outside_allowed_cidrs: Vec<Network>,
}

impl ControlPlaneArgs {
    /// Opens what use cases need. The database is not asked yet.
    pub fn app(&self) -> anyhow::Result<App> {
        let keys = read_secret(&self.key_file)?;
        let keys = KeyRing::parse(&keys).with_context(|| format!("the keys in {} can't be used", self.key_file.display()))?;
        Ok(App {
            database: Database::open(&self.database.url()?, self.database_connections, Handle::current())?,
            clock: self.clock.open()?,
            randomness: Arc::new(OsRandomness),
            keys: Arc::new(keys),
            plans: Arc::new(Plans::built_in()?),
            releases: Arc::new(Releases::built_in()?),
            config: Arc::new(self.config()?),
            bundles: self.bundles.open()?,
            billing: self.billing.open()?,
            own_buckets: Arc::new(PublicBuckets::new(Allowed::also(self.outside_allowed_cidrs.clone()))),
        })
    }

    fn config(&self) -> anyhow::Result<Config> {
        let images = self.mastodon_image.clone().zip(self.streaming_image.clone());
        let password = self.relay_password_file.as_deref().map(read_secret).transpose()?;
        Ok(Config {
            names: NameRules { platform_domains: self.platform_domains.clone(), allowed_tlds: self.allowed_tlds.clone() },
            dashboard_url: self.dashboard_url.trim_end_matches('/').to_owned(),
            grace: TimeDelta::from_std(self.grace).context("--grace is too long")?,
            ingress_addresses: self.ingress_addresses.clone(),
            ingress_name: self.ingress_name.clone(),
            certificate_authority: self.certificate_authority.clone(),
            relay: Relay {
                server: self.relay_server.clone(),
                port: self.relay_port,
                password: password.map(Into::into),
                from_domain: self.relay_from_domain.clone(),
                starttls: match self.relay_starttls {
                    RelayStarttls::Always => Starttls::Always,
                    RelayStarttls::Auto => Starttls::Auto,
                    RelayStarttls::Never => Starttls::Never,
                },
            },
            images: images.map(|(mastodon, streaming)| Images { mastodon, streaming }),
        })
    }
}
