//! One life on the real node in which worker and operator are killed together (`kill -9`) at each point of the way in and of the
//! way out, as soon as it is seen from outside: in the end it is a life like any other.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use howdah_acceptance::api::{Api as Howdah, Launched, wish};
use howdah_acceptance::cluster::is_met;
use howdah_acceptance::leftovers::{assert_nothing_left, in_store, keys_in_store};
use howdah_acceptance::metrics::WRITTEN;
use howdah_acceptance::neighbour::Neighbour;
use howdah_acceptance::processes::{Part, kill_all};
use howdah_acceptance::turn::Turn;
use howdah_acceptance::visit::visit;
use howdah_acceptance::wait::{Watch, seconds};
use howdah_acceptance::world::fresh_name;
use howdah_acceptance::{World, until};
use howdah_crd::labels::{job, process};
use howdah_crd::{ConditionType, INBOX_NAMESPACE, MEDIA_NAMESPACE, MastodonInstance, PowerState};
use howdah_domain::InstanceId;
use k8s_openapi::NamespaceResourceScope;
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::{Namespace, Secret};
use k8s_openapi::api::networking::v1::Ingress;
use kube::Resource;
use kube::api::{Api, ListParams};
use serde::de::DeserializeOwned;

const LOOK: Duration = Duration::from_millis(10);
const REACHED_WITHIN: Duration = Duration::from_secs(180);

/// In the order in which they are reached.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Point {
    SecretsSent,
    ResourceApplied,
    Namespace,
    Secrets,
    Database,
    Bucket,
    DbPrepare,
    Owner,
    Configure,
    Workloads,
    Route,
    Running,
    GraceOver,
    SelfDestructWanted,
    SelfDestructOn,
    FarewellComplete,
    TeardownWanted,
    ResourceDeleted,
    NamespaceGone,
    DatabaseGone,
    RoleGone,
    BucketGone,
    UserGone,
    FinalizerOff,
    InboxEmpty,
}

const WAY_IN: [Point; 12] = [
    Point::SecretsSent,
    Point::ResourceApplied,
    Point::Namespace,
    Point::Secrets,
    Point::Database,
    Point::Bucket,
    Point::DbPrepare,
    Point::Owner,
    Point::Configure,
    Point::Workloads,
    Point::Route,
    Point::Running,
];
const WAY_OUT: [Point; 13] = [
    Point::GraceOver,
    Point::SelfDestructWanted,
    Point::SelfDestructOn,
    Point::FarewellComplete,
    Point::TeardownWanted,
    Point::ResourceDeleted,
    Point::NamespaceGone,
    Point::DatabaseGone,
    Point::RoleGone,
    Point::BucketGone,
    Point::UserGone,
    Point::FinalizerOff,
    Point::InboxEmpty,
];

struct Life<'a> {
    world: &'a World,
    id: InstanceId,
    name: String,
    /// Worker and operator as they run now.
    both: [Part; 2],
}

impl<'a> Life<'a> {
    fn new(world: &'a World, id: InstanceId, both: [Part; 2]) -> Self {
        Self { world, id, name: id.resource_name(), both }
    }

    fn api<K>(&self, namespace: &str) -> Api<K>
    where
        K: Resource<Scope = NamespaceResourceScope, DynamicType = ()>,
    {
        Api::namespaced(self.world.cluster.client.clone(), namespace)
    }

    async fn has<K>(&self, namespace: &str, name: &str) -> Result<bool>
    where
        K: Resource<Scope = NamespaceResourceScope, DynamicType = ()> + Clone + std::fmt::Debug + DeserializeOwned,
    {
        Ok(self.api::<K>(namespace).get_opt(name).await?.is_some())
    }

    async fn has_job(&self, kind: &str) -> Result<bool> {
        let of_kind = ListParams::default().labels(&format!("{}={kind}", howdah_crd::labels::JOB));
        Ok(!self.api::<Job>(&self.name).list(&of_kind).await?.items.is_empty())
    }

    async fn resource(&self) -> Result<Option<MastodonInstance>> {
        Ok(self.world.cluster.instances().get_opt(&self.name).await?)
    }

    async fn resource_is(&self, is_so: impl Fn(&MastodonInstance) -> bool) -> Result<bool> {
        Ok(self.resource().await?.as_ref().is_some_and(is_so))
    }

    async fn has_outside(&self, what: &str) -> Result<bool> {
        let mut found = self.world.tenants.leftovers(self.id).await?;
        if matches!(what, "bucket" | "S3 user") {
            found = in_store(&self.world.stack, self.id).await?;
        }
        Ok(found.iter().any(|it| it.starts_with(what)))
    }

    async fn inbox(&self, kinds: &[&str]) -> Result<usize> {
        let mut count = 0;
        for kind in kinds {
            count += usize::from(self.has::<Secret>(INBOX_NAMESPACE, &format!("{}-{kind}", self.name)).await?);
        }
        Ok(count)
    }

    async fn is_at(&self, point: Point) -> Result<bool> {
        let home = self.name.as_str();
        let record = self.world.record()?;
        match point {
            Point::SecretsSent => Ok(self.inbox(&["identity", "owner", "smtp"]).await? == 3),
            Point::ResourceApplied => self.resource_is(|_| true).await,
            Point::Namespace => Ok(Api::<Namespace>::all(self.world.cluster.client.clone()).get_opt(home).await?.is_some()),
            Point::Secrets => self.has::<Secret>(home, "database").await,
            Point::Database => self.has_outside("database").await,
            Point::Bucket => self.has_outside("bucket").await,
            Point::DbPrepare => self.has_job(job::DB_PREPARE).await,
            Point::Owner => self.has_job(job::OWNER).await,
            Point::Configure => self.has_job(job::CONFIGURE).await,
            Point::Workloads => self.has::<Deployment>(home, process::WEB).await,
            Point::Route => self.has::<Ingress>(MEDIA_NAMESPACE, home).await,
            Point::Running => record.says(self.id, "launched_at is not null").await,
            Point::GraceOver => record.says(self.id, "farewell_began_at is not null").await,
            Point::SelfDestructWanted => self.resource_is(|it| it.spec.power_state == PowerState::SelfDestruct).await,
            Point::SelfDestructOn => self.has::<Secret>(home, "farewell").await,
            Point::FarewellComplete => self.resource_is(|it| is_met(it, ConditionType::FarewellComplete)).await,
            Point::TeardownWanted => self.resource_is(|it| it.spec.teardown.is_some()).await,
            Point::ResourceDeleted => self.resource_is(|it| it.metadata.deletion_timestamp.is_some()).await,
            Point::NamespaceGone => Ok(Api::<Namespace>::all(self.world.cluster.client.clone()).get_opt(home).await?.is_none()),
            Point::DatabaseGone => Ok(!self.has_outside("database").await?),
            Point::RoleGone => Ok(!self.has_outside("role").await?),
            Point::BucketGone => Ok(!self.has_outside("bucket").await?),
            Point::UserGone => Ok(!self.has_outside("S3 user").await?),
            Point::FinalizerOff => Ok(self.resource().await?.is_none()),
            Point::InboxEmpty => Ok(self.inbox(&["identity", "owner", "smtp"]).await? == 0),
        }
    }

    /// Both killed as soon as it is there, and started again.
    async fn killed_at(&mut self, point: Point) {
        let begun = Instant::now();
        let mut looks = 0;
        while !self.is_at(point).await.unwrap() {
            assert!(
                begun.elapsed() < REACHED_WITHIN,
                "{point:?} is not reached: {:?}",
                self.resource().await.map(|it| it.and_then(|it| it.status))
            );
            looks += 1;
            tokio::time::sleep(LOOK).await;
        }
        self.both = killed(self.world, self.both.clone()).await;
        let when = if looks == 0 { "it was there already".to_owned() } else { format!("after {} ms", begun.elapsed().as_millis()) };
        eprintln!("  killed at {point:?}: {when}");
    }
}

/// Who is dead holds its lease, and its jobs, until its time is over: here that is now.
async fn killed(world: &World, both: [Part; 2]) -> [Part; 2] {
    let killed = kill_all(both).unwrap();
    world.cluster.forget_leader().await.unwrap();
    world.record().unwrap().miss_workers().await.unwrap();
    killed.map(|it| it.start().unwrap())
}

#[tokio::test]
async fn a_life_in_which_both_are_killed_at_every_point_ends_as_any_other() {
    let world = World::open().await.unwrap();
    let _turn = Turn::alone(&world.stack).unwrap();
    let mut watch = Watch::start("killed at every point");
    let api = world.customer().unwrap();
    let domain = format!("{}.fedi.localhost", fresh_name("phoenix"));
    let (launched, both) = killed_at_commit(&world, &api, &domain).await;
    let mut life = Life::new(&world, launched.id, both);
    let sealed = world.record().unwrap().sealed(launched.id).await.unwrap();
    for point in WAY_IN {
        life.killed_at(point).await;
    }
    api.wait_for_operation(&launched.operation_url, "succeeded", seconds(60)).await.unwrap();
    api.wait_for_phase(launched.id, "running", seconds(60)).await.unwrap();
    watch.lap("launched");

    assert_eq!(world.record().unwrap().sealed(launched.id).await.unwrap(), sealed, "the identity in the record");
    one_of_each(&life).await;
    let actor = visit(&world, &domain, &domain, "ada").await.unwrap();
    let neighbour = Neighbour::start(&world, &format!("{}.test", fresh_name("neighbour"))).await.unwrap();
    neighbour.follow(&actor).await.unwrap();
    until("an outside look has found it, and its follower", seconds(60), async || {
        ensure!(world.record()?.says(launched.id, "first_answered_at is not null").await?, "not looked at yet");
        ensure!(neighbour.delivered("Accept", &actor).await? == 1, "no Accept was delivered");
        Ok(())
    })
    .await
    .unwrap();
    watch.lap("one of each, opened and followed");

    api.close(launched.id).await.unwrap();
    world.record().unwrap().end_grace(launched.id).await.unwrap();
    for point in WAY_OUT {
        life.killed_at(point).await;
    }
    api.wait_for_phase(launched.id, "gone", seconds(60)).await.unwrap();
    let closed = api.last_operation(launched.id).await.unwrap();
    assert_eq!((&closed["kind"], &closed["state"]), (&"close".into(), &"succeeded".into()), "{closed}");
    assert_eq!(neighbour.delivered("Delete", &actor).await.unwrap(), 1, "farewells to the server that followed");
    assert_nothing_left(&world, &[launched.id]).await.unwrap();
    watch.lap("closed");
}

/// The first point is reached before the API has answered.
async fn killed_at_commit(world: &World, api: &Howdah, domain: &str) -> (Launched, [Part; 2]) {
    let both = ["worker", "operator"].map(|it| Part::of(&world.stack, it).unwrap());
    let launch = tokio::spawn({
        let (api, wish) = (api.clone(), wish(domain));
        async move { api.launch(&wish).await }
    });
    let begun = Instant::now();
    while world.record().unwrap().find(domain).await.unwrap().is_none() {
        assert!(begun.elapsed() < REACHED_WITHIN, "{domain} is not in the record");
        tokio::time::sleep(LOOK).await;
    }
    let both = killed(world, both).await;
    (launch.await.unwrap().unwrap(), both)
}

/// What an undisturbed life makes, and nothing twice.
async fn one_of_each(life: &Life<'_>) {
    let world = life.world;
    let in_inbox = world.cluster.secret(INBOX_NAMESPACE, &format!("{}-identity", life.name)).await.unwrap();
    assert_eq!(world.cluster.secret(&life.name, "identity").await.unwrap(), in_inbox);
    let password = world.cluster.secret(&life.name, "database").await.unwrap()["DB_PASS"].clone();
    let database = world.tenants.own(life.id, &password).await.unwrap();
    let owners = "select username from accounts join users on users.account_id = accounts.id join user_roles on user_roles.id = users.role_id \
                  where user_roles.name = 'Owner' and accounts.domain is null";
    let owners: Vec<String> = database.query(owners, &[]).await.unwrap().iter().map(|it| it.get(0)).collect();
    assert_eq!(owners, ["ada"]);
    assert_eq!(keys_in_store(&world.stack, life.id).await.unwrap(), 1, "keys of the S3 user");
    insta::assert_snapshot!("one_of_each", objects(life).await);
}

/// Of the kinds that worker and operator write, by name.
async fn objects(life: &Life<'_>) -> String {
    let found = life.world.cluster.objects(&[life.id]).await.unwrap();
    let is_written = |it: &&String| {
        let kind = it.split(' ').next().unwrap_or_default().to_lowercase();
        let plural = [format!("{kind}s"), format!("{kind}es"), kind.replace("policy", "policies")];
        WRITTEN.iter().any(|it| plural.iter().any(|plural| plural == it))
    };
    let mut names: Vec<String> = found.iter().filter(is_written).map(|it| hashless(&it.replace(&life.name, "mi-…"))).collect();
    names.sort_unstable();
    names.dedup();
    names.join("\n")
}

/// `smtp-0123456789abcdef` is named by its content.
fn hashless(name: &str) -> String {
    match name.split_once("/smtp-") {
        Some((before, _)) => format!("{before}/smtp-…"),
        None => name.to_owned(),
    }
}
