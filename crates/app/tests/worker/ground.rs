//! A platform with one worker, a cluster in memory, and a clock that stands still.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::TimeDelta;
use howdah_app::admin::{self, PersonRequest, Place};
use howdah_app::config::{Relay, Starttls};
use howdah_app::instances::{self, Close, LaunchRequest};
use howdah_app::jobs::{LookOutside, SyncInstance, Tick};
use howdah_app::operations::{self, OperationView};
use howdah_app::ports::Cluster;
use howdah_app::settings::{self, SettingsChange};
use howdah_app::worker::{Worker, WorkerSettings};
use howdah_app::{Actor, App, Config, Once, OsRandomness, Scope, observer, tokens};
use howdah_db::Pooled;
use howdah_db::models::instance::{Instance, Page};
use howdah_db::seal::KeyRing;
use howdah_domain::{Clock, InstanceId, ManualClock, NameRules, Plans, Releases};
use howdah_testkit::bundles::FakeBundles;
use howdah_testkit::own_buckets::FakeOwnBuckets;
use howdah_testkit::{TestDatabase, rows};
use secrecy::ExposeSecret;

use crate::fakes::{FakeCluster, FakeMailer, FakeOutside, FakeRelay};

pub const GRACE: TimeDelta = TimeDelta::days(14);
pub const INGRESS: &str = "192.0.2.1";

pub struct Ground {
    pub worker: Arc<Worker>,
    pub cluster: Arc<FakeCluster>,
    pub outside: Arc<FakeOutside>,
    pub mailer: Arc<FakeMailer>,
    pub relay: Arc<FakeRelay>,
    pub bundles: Arc<FakeBundles>,
    pub own_buckets: Arc<FakeOwnBuckets>,
    pub clock: Arc<ManualClock>,
    pub database: TestDatabase,
    pub operator: Actor,
}

impl Ground {
    pub async fn new() -> Self {
        Self::with(WorkerSettings::default(), true).await
    }

    pub async fn with(settings: WorkerSettings, grant_every_launch: bool) -> Self {
        let database = TestDatabase::new().await;
        let clock = Arc::new(ManualClock::at(rows::now()));
        let bundles = Arc::new(FakeBundles::default());
        let own_buckets = Arc::new(FakeOwnBuckets::default());
        let app = app(&database, &clock, (&bundles, &own_buckets), grant_every_launch).await;
        let (cluster, mailer, relay) = (Arc::default(), Arc::default(), Arc::default());
        let outside = Arc::new(FakeOutside::new(&cluster, INGRESS));
        let operator = person(&app, "operator@howdah.example", true, &Scope::ALL).await;
        let worker = worker(&app, &cluster, &outside, (&mailer, &relay), settings);
        Self { worker, cluster, outside, mailer, relay, bundles, own_buckets, clock, database, operator }
    }

    /// Somebody with an account of their own.
    pub async fn stranger(&self, email: &str) -> Actor {
        person(&self.worker.app, email, false, &Scope::EVERYBODYS).await
    }

    pub async fn conn(&self) -> Pooled {
        self.database.conn().await
    }

    pub async fn launch(&self, domain: &str) -> InstanceId {
        let request = LaunchRequest {
            domain: domain.to_owned(),
            plan: "small".to_owned(),
            owner_username: "ada".to_owned(),
            owner_email: "owner@example.org".to_owned(),
            ..LaunchRequest::default()
        };
        match instances::launch(&self.worker.app, &self.operator, &request, None).await.unwrap() {
            Once::Done(launched) => launched.instance,
            Once::Again { .. } => panic!("no key was given"),
        }
    }

    /// With handles at a domain whose site is the customer's own.
    pub async fn launch_split(&self, domain: &str, web_domain: &str) -> InstanceId {
        let request = LaunchRequest {
            domain: domain.to_owned(),
            web_domain: Some(web_domain.to_owned()),
            plan: "small".to_owned(),
            owner_username: "ada".to_owned(),
            owner_email: "owner@example.org".to_owned(),
            ..LaunchRequest::default()
        };
        match instances::launch(&self.worker.app, &self.operator, &request, None).await.unwrap() {
            Once::Done(launched) => launched.instance,
            Once::Again { .. } => panic!("no key was given"),
        }
    }

    /// Without a final bundle: what comes after its grace period begins at once.
    pub async fn close(&self, id: InstanceId) {
        self.close_as(id, true).await;
    }

    pub async fn close_as(&self, id: InstanceId, declines_final_bundle: bool) {
        // An operation begun later has a later id.
        self.clock.advance(TimeDelta::seconds(1));
        let asked = Close { confirm: self.row(id).await.domain, declines_final_bundle, ..Close::default() };
        instances::close(&self.worker.app, &self.operator, id, &asked, None).await.unwrap();
    }

    pub async fn sync(&self, id: InstanceId) {
        SyncInstance::of(id.as_uuid()).work(&self.worker).await.unwrap();
    }

    /// With the looks that it begins, made before the rest.
    pub async fn tick(&self) {
        LookOutside::default().work(&self.worker).await.unwrap();
        Tick::default().work(&self.worker).await.unwrap();
    }

    /// The operator makes a pass, and the observer sees what came of it.
    pub async fn operate(&self, id: InstanceId) {
        self.cluster.operate(self.clock.now());
        self.observe(id).await;
    }

    pub async fn observe(&self, id: InstanceId) {
        match self.cluster.resource(&id.resource_name()) {
            Some(resource) => observer::seen(&self.worker, "real", &resource).await.unwrap(),
            None => observer::gone(&self.worker, "real", id.as_uuid()).await.unwrap(),
        }
    }

    /// Everything that the queue would run once, and the operator and observer besides.
    pub async fn round(&self, id: InstanceId) {
        self.tick().await;
        self.sync(id).await;
        self.operate(id).await;
    }

    /// As many rounds as anything takes.
    pub async fn settle(&self, id: InstanceId) {
        for _ in 0..6 {
            self.round(id).await;
        }
    }

    pub async fn settle_until(&self, id: InstanceId, mut is_reached: impl AsyncFnMut() -> bool) {
        for _ in 0..20 {
            if is_reached().await {
                return;
            }
            self.round(id).await;
        }
        panic!("twenty rounds were not enough");
    }

    /// Up, reached from outside, with its address leading here.
    pub async fn running(&self, domain: &str) -> InstanceId {
        let id = self.launch(domain).await;
        self.outside.lead(domain, INGRESS);
        *self.outside.answers.lock().unwrap() = true;
        self.settle_until(id, async || self.row(id).await.first_answered_at.is_some()).await;
        id
    }

    pub async fn row(&self, id: InstanceId) -> Instance {
        Instance::by_id(&mut *self.conn().await, id.as_uuid()).await.unwrap().unwrap()
    }

    /// The newest.
    pub async fn operation(&self, id: InstanceId) -> OperationView {
        let page = Page { before: None, limit: 1 };
        operations::list(&self.worker.app, &self.operator, id, page).await.unwrap().remove(0)
    }

    /// State of the newest operation, and the reason of what holds it up.
    pub async fn held_up(&self, id: InstanceId) -> Option<String> {
        self.operation(id).await.failure.map(|it| format!("{}: {}", it.step, it.reason))
    }
}

async fn app(
    database: &TestDatabase,
    clock: &Arc<ManualClock>,
    (bundles, own_buckets): (&Arc<FakeBundles>, &Arc<FakeOwnBuckets>),
    grant_every_launch: bool,
) -> App {
    let app = App {
        database: database.database().clone(),
        clock: clock.clone(),
        randomness: Arc::new(OsRandomness),
        keys: Arc::new(KeyRing::parse(&KeyRing::generate("test")).unwrap()),
        plans: Arc::new(Plans::built_in().unwrap()),
        releases: Arc::new(Releases::built_in().unwrap()),
        config: Arc::new(config()),
        billing: None,
        bundles: Some(bundles.clone()),
        own_buckets: own_buckets.clone(),
    };
    let change = SettingsChange { support_address: "help@howdah.example".to_owned(), grant_every_launch, ..SettingsChange::default() };
    settings::found(&app, &change).await.unwrap();
    let name = || "main".to_owned();
    for place in [
        Place::Cluster { name: "real".to_owned(), placement: "real".to_owned(), capacity: 50, is_default: true },
        Place::DatabaseServer { name: name(), capacity: 50, is_default: true },
        Place::ObjectStore { name: name(), capacity: 50, is_default: true },
    ] {
        admin::add_place(&app, &place).await.unwrap();
    }
    app
}

fn worker(
    app: &App,
    cluster: &Arc<FakeCluster>,
    outside: &Arc<FakeOutside>,
    (mailer, relay): (&Arc<FakeMailer>, &Arc<FakeRelay>),
    settings: WorkerSettings,
) -> Arc<Worker> {
    let cluster: Arc<dyn Cluster> = cluster.clone();
    Arc::new(Worker {
        app: app.clone(),
        clusters: BTreeMap::from([("real".to_owned(), cluster)]),
        outside: outside.clone(),
        mailer: mailer.clone(),
        relay: relay.clone(),
        settings,
    })
}

async fn person(app: &App, email: &str, is_operator: bool, scopes: &[Scope]) -> Actor {
    let request = PersonRequest { email: email.to_owned(), name: "Ada".to_owned(), is_operator, password: None, servers_allowed: None };
    admin::add_person(app, &request).await.unwrap();
    let new = admin::add_token(app, email, "test", scopes, TimeDelta::days(300)).await.unwrap();
    tokens::authenticate(app, new.token.expose_secret()).await.unwrap()
}

fn config() -> Config {
    Config {
        names: NameRules { platform_domains: vec!["fedi.localhost".to_owned()], allowed_tlds: vec!["test".to_owned()] },
        dashboard_url: "https://howdah.localhost".to_owned(),
        grace: GRACE,
        ingress_addresses: vec![INGRESS.parse().unwrap()],
        ingress_name: None,
        certificate_authority: "letsencrypt.org".to_owned(),
        relay: Relay {
            server: "192.0.2.2".to_owned(),
            port: 1025,
            password: None,
            from_domain: "fedi.localhost".to_owned(),
            starttls: Starttls::Always,
        },
        images: None,
    }
}
