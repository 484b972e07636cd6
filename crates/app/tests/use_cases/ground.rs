//! A platform that was just set up, with a clock that stands still.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use howdah_app::admin::{self, PersonRequest, Place};
use howdah_app::config::{Images, Relay, Starttls};
use howdah_app::instances::{self, InstanceView, LaunchRequest, Launched};
use howdah_app::settings::{self, SettingsChange};
use howdah_app::{Actor, App, Config, Error, Once, OsRandomness, Scope, tokens};
use howdah_db::models::audit::{self, Entry};
use howdah_db::seal::KeyRing;
use howdah_domain::{Clock, InstanceId, ManualClock, NameRules, Plans, Releases};
use howdah_testkit::TestDatabase;
use howdah_testkit::own_buckets::FakeOwnBuckets;
use howdah_testkit::rows;
use secrecy::ExposeSecret;

pub const GRACE: TimeDelta = TimeDelta::days(14);

pub struct Ground {
    pub app: App,
    pub clock: Arc<ManualClock>,
    pub database: TestDatabase,
}

impl Ground {
    /// Open to all, every launch granted, one server an account.
    pub async fn new() -> Self {
        Self::with(SettingsChange {
            support_address: "help@howdah.example".to_owned(),
            grant_every_launch: true,
            ..SettingsChange::default()
        })
        .await
    }

    pub async fn with(change: SettingsChange) -> Self {
        let database = TestDatabase::new().await;
        let clock = Arc::new(ManualClock::at(rows::now()));
        let app = App {
            database: database.database().clone(),
            clock: clock.clone(),
            randomness: Arc::new(OsRandomness),
            keys: Arc::new(KeyRing::parse(&KeyRing::generate("test")).unwrap()),
            plans: Arc::new(Plans::built_in().unwrap()),
            releases: Arc::new(Releases::built_in().unwrap()),
            config: Arc::new(config()),
            billing: None,
            bundles: None,
            own_buckets: Arc::new(FakeOwnBuckets::default()),
        };
        assert!(settings::found(&app, &change).await.unwrap());
        let name = || "main".to_owned();
        for place in [
            Place::Cluster { name: "real".to_owned(), placement: "real".to_owned(), capacity: 50, is_default: true },
            Place::Cluster { name: "fake".to_owned(), placement: "fake".to_owned(), capacity: 50, is_default: false },
            Place::DatabaseServer { name: name(), capacity: 50, is_default: true },
            Place::ObjectStore { name: name(), capacity: 50, is_default: true },
        ] {
            assert!(admin::add_place(&app, &place).await.unwrap());
            assert!(!admin::add_place(&app, &place).await.unwrap(), "the second time changes nothing");
        }
        Self { app, clock, database }
    }

    pub fn now(&self) -> DateTime<Utc> {
        self.clock.now()
    }

    pub async fn customer(&self, email: &str) -> Actor {
        self.person(email, false, &[Scope::Read, Scope::Write]).await
    }

    pub async fn operator(&self) -> Actor {
        self.person("operator@howdah.example", true, &Scope::ALL).await
    }

    async fn person(&self, email: &str, is_operator: bool, scopes: &[Scope]) -> Actor {
        let request = PersonRequest { email: email.to_owned(), name: "Ada".to_owned(), is_operator, password: None, servers_allowed: None };
        admin::add_person(&self.app, &request).await.unwrap();
        let new = admin::add_token(&self.app, email, "test", scopes, TimeDelta::days(30)).await.unwrap();
        tokens::authenticate(&self.app, new.token.expose_secret()).await.unwrap()
    }

    pub async fn launch(&self, actor: &Actor, domain: &str) -> Result<Launched, Error> {
        match instances::launch(&self.app, actor, &request(domain), None).await? {
            Once::Done(launched) => Ok(launched),
            Once::Again { .. } => panic!("no key was given"),
        }
    }

    pub async fn view(&self, actor: &Actor, id: InstanceId) -> InstanceView {
        instances::get(&self.app, actor, id).await.unwrap()
    }
}

pub fn request(domain: &str) -> LaunchRequest {
    LaunchRequest {
        domain: domain.to_owned(),
        plan: "small".to_owned(),
        owner_username: "ada".to_owned(),
        owner_email: "ada@mail.example.org".to_owned(),
        ..LaunchRequest::default()
    }
}

pub fn config() -> Config {
    Config {
        names: NameRules { platform_domains: vec!["fedi.localhost".to_owned()], allowed_tlds: vec!["test".to_owned()] },
        dashboard_url: "https://howdah.localhost".to_owned(),
        grace: GRACE,
        ingress_addresses: vec!["192.0.2.1".parse().unwrap(), "2001:db8::1".parse().unwrap()],
        ingress_name: None,
        certificate_authority: "letsencrypt.org".to_owned(),
        relay: Relay {
            server: "192.0.2.2".to_owned(),
            port: 1025,
            password: None,
            from_domain: "fedi.localhost".to_owned(),
            starttls: Starttls::Always,
        },
        images: Some(Images { mastodon: "stand-in:{version}".to_owned(), streaming: "stand-in-streaming:{version}".to_owned() }),
    }
}

/// The machine reason of a refusal.
pub fn reason<T: std::fmt::Debug>(result: Result<T, Error>) -> &'static str {
    result.unwrap_err().reason()
}

/// Field and reason of everything that was refused.
pub fn fields<T: std::fmt::Debug>(result: Result<T, Error>) -> Vec<(&'static str, &'static str)> {
    match result.unwrap_err() {
        Error::Invalid { fields } => fields.iter().map(|it| (it.field, it.reason)).collect(),
        other => panic!("{other:?}"),
    }
}

/// The newest entry of the platform's own chain, and its details.
pub async fn platforms_newest(ground: &Ground) -> (Entry, serde_json::Value) {
    let found = audit::page(&mut *ground.database.conn().await, uuid::Uuid::nil(), audit::About::AllBut("instance"), None, 1)
        .await
        .unwrap()
        .remove(0);
    (found.0, serde_json::from_str(&found.1.unwrap()).unwrap())
}
