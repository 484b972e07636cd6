//! The use cases on a database of the test's own, with a clock that stands still until the test moves it.

use std::sync::Arc;

use chrono::TimeDelta;
use howdah_app::admin::{self, PersonAdded, PersonRequest};
use howdah_app::config::{Relay, Starttls};
use howdah_app::{App, Config, OsRandomness, Scope};
use howdah_db::models::settings::{Settings, SettingsValues};
use howdah_db::seal::KeyRing;
use howdah_domain::{ManualClock, NameRules, Plans, Releases};
use secrecy::ExposeSecret;

use crate::TestDatabase;
use crate::bundles::FakeBundles;
use crate::own_buckets::FakeOwnBuckets;
use crate::rows::{Places, now};

/// How long a Close can be undone in tests.
pub const GRACE: TimeDelta = TimeDelta::days(14);

pub struct TestApp {
    pub database: TestDatabase,
    pub app: App,
    pub clock: Arc<ManualClock>,
    pub places: Places,
    pub bundles: Arc<FakeBundles>,
    pub own_buckets: Arc<FakeOwnBuckets>,
}

/// Somebody with an account and a token with all the scopes they can have.
pub struct Somebody {
    pub ids: PersonAdded,
    pub email: String,
    pub token: String,
}

impl TestApp {
    /// New servers are open and granted, three an account; platform domain `fedi.localhost`.
    ///
    /// # Panics
    /// Where its ground can't be laid.
    pub async fn new() -> Self {
        let database = TestDatabase::new().await;
        let clock = Arc::new(ManualClock::at(now()));
        let bundles = Arc::new(FakeBundles::default());
        let own_buckets = Arc::new(FakeOwnBuckets::default());
        let app = App {
            database: database.database().clone(),
            clock: clock.clone(),
            randomness: Arc::new(OsRandomness),
            keys: Arc::new(KeyRing::parse(&KeyRing::generate("test")).expect("a generated key file can be read")),
            plans: Arc::new(Plans::built_in().expect("the built-in plans are sound")),
            releases: Arc::new(Releases::built_in().expect("the built-in releases are sound")),
            config: Arc::new(config()),
            billing: None,
            bundles: Some(bundles.clone()),
            own_buckets: own_buckets.clone(),
        };
        let conn = &mut database.conn().await;
        let values = SettingsValues {
            sign_ups: None,
            new_servers: "open",
            new_servers_sentence: "",
            servers_per_account: 3,
            support_address: Some("support@howdah.localhost"),
            grant_every_launch: true,
        };
        Settings::found(conn, &values, now()).await.expect("the settings can be written");
        let places = Places::insert(conn).await;
        Self { database, app, clock, places, bundles, own_buckets }
    }

    /// # Panics
    /// Where the address is known already.
    pub async fn customer(&self, email: &str) -> Somebody {
        self.somebody(email, false, &Scope::EVERYBODYS).await
    }

    /// # Panics
    /// Where the address is known already.
    pub async fn operator(&self, email: &str) -> Somebody {
        self.somebody(email, true, &Scope::ALL).await
    }

    async fn somebody(&self, email: &str, is_operator: bool, scopes: &[Scope]) -> Somebody {
        let request = PersonRequest { email: email.to_owned(), name: "Ada".to_owned(), is_operator, password: None, servers_allowed: None };
        let ids = admin::add_person(&self.app, &request).await.expect("a new person");
        let token = self.token(email, scopes, TimeDelta::days(30)).await;
        Somebody { ids, email: email.to_owned(), token }
    }

    /// A token of somebody who is there.
    ///
    /// # Panics
    /// Where nobody has the address.
    pub async fn token(&self, email: &str, scopes: &[Scope], valid: TimeDelta) -> String {
        let new = admin::add_token(&self.app, email, "test", scopes, valid).await.expect("a new token");
        new.token.expose_secret().to_owned()
    }
}

fn config() -> Config {
    Config {
        names: NameRules { platform_domains: vec!["fedi.localhost".to_owned()], allowed_tlds: vec!["example".to_owned()] },
        dashboard_url: "https://howdah.localhost".to_owned(),
        grace: GRACE,
        ingress_addresses: vec!["192.0.2.1".parse().expect("an address")],
        ingress_name: None,
        certificate_authority: "letsencrypt.org".to_owned(),
        relay: Relay {
            server: "relay.localhost".to_owned(),
            port: 1025,
            password: None,
            from_domain: "mail.localhost".to_owned(),
            starttls: Starttls::Never,
        },
        images: None,
    }
}
