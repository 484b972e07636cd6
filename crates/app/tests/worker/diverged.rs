//! A record that was restored from an older backup: the cluster is ahead, and an operator decides.

use chrono::TimeDelta;
use howdah_app::Once;
use howdah_app::fleet::{self, DivergenceView};
use howdah_app::idempotency::{IdempotencyKey, Idempotent};
use howdah_app::instances::{self, Close, Which};
use howdah_crd::{MastodonInstanceSpec, PowerState, Teardown, TeardownKind};
use howdah_db::models::instance::Instance;
use howdah_db::models::sync::InstanceSync;
use howdah_domain::{Clock as _, Deletion, Desired, Hold, InstanceId, Phase, Plans};
use serde_json::json;

use crate::ground::Ground;

const DOMAIN: &str = "birds.fedi.localhost";

impl Ground {
    /// A server of which the cluster has a newer state than the record.
    async fn diverged(&self, change: impl FnOnce(&mut MastodonInstanceSpec)) -> InstanceId {
        let id = self.running(DOMAIN).await;
        self.settle(id).await;
        self.cluster.edit(&id.resource_name(), |it| {
            it.spec.revision = 99;
            change(&mut it.spec);
        });
        let writes = self.cluster.writes();
        self.sync(id).await;
        assert_eq!(self.cluster.writes(), writes, "nothing is written until an operator decides");
        id
    }

    async fn divergence(&self, id: InstanceId) -> Option<DivergenceView> {
        fleet::server(&self.worker.app, &self.operator, Which::Id(id)).await.unwrap().divergence
    }

    async fn stopped_for(&self, id: InstanceId) -> Option<String> {
        InstanceSync::of(&mut *self.conn().await, id.as_uuid()).await.unwrap().unwrap().reason
    }

    fn spec(&self, id: InstanceId) -> MastodonInstanceSpec {
        self.cluster.resource(&id.resource_name()).unwrap().spec
    }
}

fn newer(spec: &mut MastodonInstanceSpec) {
    let plans = Plans::built_in().unwrap();
    spec.version = "4.9.1".to_owned();
    spec.image.mastodon = "mastodon:v4.9.1".to_owned();
    spec.resources = howdah_app::jobs::manifest::resources(&plans.get("medium").unwrap().resources);
}

#[tokio::test(flavor = "multi_thread")]
async fn adopted_the_record_has_what_the_cluster_has() {
    let ground = Ground::new().await;
    let id = ground.diverged(newer).await;
    assert_eq!(ground.stopped_for(id).await.as_deref(), Some("Diverged"));
    let revision = ground.row(id).await.revision;
    let seen = ground.divergence(id).await.unwrap();
    assert_eq!((seen.record_revision, seen.cluster_revision, &seen.not_adoptable), (revision, 99, &None));
    let fields: Vec<&str> = seen.differences.iter().map(|it| it.field.as_str()).collect();
    assert!(fields.contains(&"version") && fields.contains(&"image.mastodon") && fields.iter().any(|it| it.starts_with("resources.")));
    assert!(!fields.contains(&"revision"));
    assert!(seen.warning.unwrap().contains("4.9.1"));

    let stale = fleet::adopt(&ground.worker.app, &ground.operator, id, Some(revision + 1), None).await.unwrap_err();
    assert_eq!(stale.reason(), "precondition_failed");
    let key = IdempotencyKey::new(&ground.operator, "k", "POST", "/adopt", b"").unwrap();
    let render = |(): &()| (202, json!({}));
    let once = Some(Idempotent { key: &key, render: &render });
    let adopt = async || fleet::adopt(&ground.worker.app, &ground.operator, id, Some(revision), once).await;
    assert!(matches!(adopt().await.unwrap(), Once::Done(())));
    assert!(matches!(adopt().await.unwrap(), Once::Again { status: 202, .. }), "sent again with its key it was done before");
    let again = fleet::adopt(&ground.worker.app, &ground.operator, id, None, None).await.unwrap_err();
    assert_eq!(again.reason(), "not_diverged");
    let row = ground.row(id).await;
    assert_eq!((row.version.as_str(), row.plan.as_str(), row.revision), ("4.9.1", "medium", 100));
    let before = ground.spec(id);
    ground.sync(id).await;
    assert_eq!(ground.spec(id), MastodonInstanceSpec { revision: 100, ..before }, "all but the revision was so already");
    assert_eq!((ground.stopped_for(id).await, ground.divergence(id).await), (None, None));
}

#[tokio::test(flavor = "multi_thread")]
async fn overwritten_the_cluster_has_what_the_record_has() {
    let ground = Ground::new().await;
    let id = ground.diverged(newer).await;
    let record = ground.row(id).await;
    let key = IdempotencyKey::new(&ground.operator, "k", "POST", "/overwrite", b"").unwrap();
    let render = |(): &()| (202, json!({}));
    let overwrite =
        async || fleet::overwrite(&ground.worker.app, &ground.operator, id, None, Some(Idempotent { key: &key, render: &render })).await;
    assert!(matches!(overwrite().await.unwrap(), Once::Done(())));
    assert!(matches!(overwrite().await.unwrap(), Once::Again { status: 202, .. }), "sent again with its key it was done before");
    ground.sync(id).await;
    let spec = ground.spec(id);
    assert_eq!((spec.version, spec.revision), (record.version, 100));
    assert_eq!(ground.stopped_for(id).await, None);
    // Somebody else goes on writing: it is said again.
    ground.cluster.edit(&id.resource_name(), |it| it.spec.revision = 120);
    ground.sync(id).await;
    assert_eq!(ground.divergence(id).await.unwrap().cluster_revision, 120);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_no_row_can_hold_is_named_and_nothing_is_adopted() {
    let ground = Ground::new().await;
    let id = ground
        .diverged(|spec| {
            spec.version = "4.9.1".to_owned();
            spec.placement = "moon".to_owned();
            spec.resources.web.replicas = 19;
            spec.teardown = Some(Teardown { kind: TeardownKind::Remove, confirm: spec.id.clone() });
        })
        .await;
    let before = ground.row(id).await;
    let refused = fleet::adopt(&ground.worker.app, &ground.operator, id, None, None).await.unwrap_err();
    let sentence = refused.to_string();
    assert_eq!(refused.reason(), "not_adoptable");
    assert!(["placement", "resources", "teardown"].iter().all(|it| sentence.contains(it)), "{sentence}");
    let after = ground.row(id).await;
    assert_eq!((after.revision, after.version), (before.revision, before.version));
    assert_eq!(ground.divergence(id).await.unwrap().not_adoptable, Some(sentence));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_farewell_that_has_begun_is_adopted_and_never_overwritten() {
    let ground = Ground::new().await;
    let id = ground.diverged(|spec| spec.power_state = PowerState::SelfDestruct).await;
    let refused = fleet::overwrite(&ground.worker.app, &ground.operator, id, None, None).await.unwrap_err();
    assert_eq!(refused.reason(), "not_overwritable");
    fleet::adopt(&ground.worker.app, &ground.operator, id, None, None).await.unwrap();
    let row = ground.row(id).await;
    assert!(matches!(row.desired().unwrap(), Desired::Deleted { deletion: Deletion::Close, .. }));
    assert!(row.farewell_began_at.is_some() && row.revision > 99);
    ground.clock.advance(TimeDelta::seconds(1));
    ground.settle_until(id, async || ground.row(id).await.tombstoned_at.is_some()).await;
}

impl Ground {
    /// At an own domain, where the cluster has a newer state.
    async fn diverged_at_own_domain(&self, change: impl FnOnce(&mut MastodonInstanceSpec)) -> InstanceId {
        let id = self.running_at_own_domain().await;
        self.settle(id).await;
        self.ahead(id, change).await;
        id
    }

    async fn ahead(&self, id: InstanceId, change: impl FnOnce(&mut MastodonInstanceSpec)) {
        let revision = self.row(id).await.revision + 50;
        self.cluster.edit(&id.resource_name(), |it| {
            it.spec.revision = revision;
            change(&mut it.spec);
        });
        self.sync(id).await;
    }

    async fn adopt(&self, id: InstanceId) -> Desired {
        fleet::adopt(&self.worker.app, &self.operator, id, None, None).await.unwrap();
        self.sync(id).await;
        assert_eq!((self.stopped_for(id).await, self.divergence(id).await), (None, None));
        self.row(id).await.desired().unwrap()
    }

    async fn phase_of(&self, id: InstanceId) -> Phase {
        instances::get(&self.worker.app, &self.operator, id).await.unwrap().phase
    }
}

/// The record was restored from before a move was asked for: nothing starts again, for another host may run it.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_stopped_is_adopted_as_a_move_that_can_be_taken_back() {
    let ground = Ground::new().await;
    let id = ground.diverged_at_own_domain(|spec| spec.power_state = PowerState::Suspended).await;
    let seen = ground.divergence(id).await.unwrap();
    assert!(seen.not_adoptable.is_none() && seen.warning.unwrap().contains("no other host"));
    let desired = ground.adopt(id).await;
    assert!(matches!(desired, Desired::Deleted { deletion: Deletion::MoveOut, .. }), "{desired:?}");
    ground.settle(id).await;
    assert_eq!((ground.spec(id).power_state, ground.phase_of(id).await), (PowerState::Suspended, Phase::MovingOut));
    instances::undo(&ground.worker.app, &ground.operator, id, None, None).await.unwrap();
    ground.settle(id).await;
    assert_eq!(ground.spec(id).power_state, PowerState::Running);
}

/// And from before it was taken back.
#[tokio::test(flavor = "multi_thread")]
async fn what_runs_again_is_adopted_as_that() {
    let ground = Ground::new().await;
    let id = ground.running_at_own_domain().await;
    let asked = Close { confirm: ground.row(id).await.domain, ..Close::default() };
    instances::move_out(&ground.worker.app, &ground.operator, id, &asked, None).await.unwrap();
    ground.settle(id).await;
    ground.ahead(id, |spec| spec.power_state = PowerState::Running).await;
    assert_eq!(ground.adopt(id).await, Desired::Running);
    ground.settle(id).await;
    assert_eq!(ground.spec(id).power_state, PowerState::Running);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_policy_held_back_is_adopted_as_long_as_it_says_so() {
    let ground = Ground::new().await;
    let id = ground.diverged(|spec| spec.power_state = PowerState::ReadOnly).await;
    let since = ground.clock.now() - TimeDelta::days(20);
    let unpaid =
        format!("UPDATE instances SET standing_kind = 'past_due', standing_since = '{since}', standing_until = NULL, standing_by = NULL");
    ground.database.execute(&unpaid).await;
    assert_eq!(ground.adopt(id).await, Desired::ReadOnly { by: Hold::Billing });
    assert_eq!(ground.spec(id).power_state, PowerState::ReadOnly);
    ground.ahead(id, |spec| spec.power_state = PowerState::Suspended).await;
    assert_eq!(ground.adopt(id).await, Desired::Suspended { by: Hold::Billing });
    ground.database.execute("UPDATE instances SET standing_kind = 'granted', standing_since = NULL, standing_by = 'somebody'").await;
    ground.sync(id).await;
    assert_eq!(ground.spec(id).power_state, PowerState::Running, "policy lets it run");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_has_moved_out_is_adopted_and_never_overwritten() {
    let ground = Ground::new().await;
    let there = "https://files.new.example.net";
    let id = ground
        .diverged_at_own_domain(|spec| {
            spec.power_state = PowerState::MovedOut;
            spec.media_redirect = Some(there.to_owned());
            spec.teardown = Some(Teardown { kind: TeardownKind::MoveOut, confirm: spec.id.clone() });
        })
        .await;
    let refused = fleet::overwrite(&ground.worker.app, &ground.operator, id, None, None).await.unwrap_err();
    assert_eq!(refused.reason(), "not_overwritable");
    let before = ground.spec(id);
    let desired = ground.adopt(id).await;
    assert!(matches!(desired, Desired::Deleted { deletion: Deletion::MoveOut, .. }), "{desired:?}");
    let after = ground.spec(id);
    assert_eq!(MastodonInstanceSpec { revision: after.revision, ..before }, after, "all but the revision was so already");
    ground.settle(id).await;
    assert_eq!((ground.spec(id).power_state, ground.phase_of(id).await), (PowerState::MovedOut, Phase::MovedOut));
    assert_eq!(instances::undo(&ground.worker.app, &ground.operator, id, None, None).await.unwrap_err().reason(), "handed_over");
    // Somebody says elsewhere where its media is: the row holds that, too.
    ground.ahead(id, |spec| spec.media_redirect = None).await;
    ground.adopt(id).await;
    assert_eq!((ground.spec(id).power_state, ground.spec(id).media_redirect), (PowerState::MovedOut, None));
    ground.clock.advance(TimeDelta::days(366));
    ground.settle_until(id, async || ground.row(id).await.tombstoned_at.is_some()).await;
}

/// Much raises a row's revision: none of it is the operator's decision.
#[tokio::test(flavor = "multi_thread")]
async fn a_row_that_rises_above_the_cluster_is_no_decision() {
    let ground = Ground::new().await;
    let id = ground.running(DOMAIN).await;
    ground.settle(id).await;
    let ahead = ground.row(id).await.revision + 1;
    ground.cluster.edit(&id.resource_name(), |it| {
        it.spec.revision = ahead;
        newer(&mut it.spec);
    });
    ground.sync(id).await;
    let writes = ground.cluster.writes();
    for _ in 0..3 {
        let now = ground.worker.app.clock.now();
        Instance::touch(&mut *ground.conn().await, id.as_uuid(), now).await.unwrap();
        ground.sync(id).await;
    }
    assert!(ground.row(id).await.revision > ahead);
    assert_eq!((ground.cluster.writes(), ground.stopped_for(id).await.as_deref()), (writes, Some("Diverged")));

    fleet::overwrite(&ground.worker.app, &ground.operator, id, None, None).await.unwrap();
    ground.sync(id).await;
    let (row, spec) = (ground.row(id).await, ground.spec(id));
    assert_eq!((spec.revision, &spec.version), (row.revision, &row.version));
    assert_eq!((ground.stopped_for(id).await, ground.divergence(id).await), (None, None));
}

/// What is gone can't differ.
#[tokio::test(flavor = "multi_thread")]
async fn a_resource_that_is_gone_leaves_nothing_to_decide() {
    let ground = Ground::new().await;
    let id = ground.diverged(newer).await;
    ground.cluster.finish_deletion(&id.resource_name());
    for _ in 0..2 {
        ground.sync(id).await;
        assert_eq!((ground.stopped_for(id).await, ground.divergence(id).await), (None, None));
    }
    let (row, spec) = (ground.row(id).await, ground.spec(id));
    assert_eq!((spec.revision, &spec.version), (row.revision, &row.version));
}
