//! A server that moves to another host: stopped, bundled, handed over once that host is seen, and deleted here a while later; told to nobody.

use std::sync::Arc;

use chrono::TimeDelta;
use howdah_app::exports::FINAL_KEPT;
use howdah_app::instances::{self, Close, Lead, LeavingView};
use howdah_app::jobs::VerifyFinalBundles;
use howdah_app::{Actor, Error, Role};
use howdah_crd::{PowerState, TeardownKind};
use howdah_db::models::mail::Mail;
use howdah_db::models::move_out::MoveOut;
use howdah_domain::{Action, Clock as _, InstanceId, OperationKind, OperationState, Phase, StepState};

use howdah_testkit::arriving::bundle;

use crate::ground::{GRACE, Ground, INGRESS};

const DOMAIN: &str = "birds.example.org";
const NEW_HOST: &str = "203.0.113.7";

impl Ground {
    /// At an own domain that leads here.
    pub async fn running_at_own_domain(&self) -> InstanceId {
        let id = self.launch(DOMAIN).await;
        self.prove(id, DOMAIN).await;
        self.outside.lead(DOMAIN, INGRESS);
        *self.outside.answers.lock().unwrap() = true;
        self.settle_until(id, async || self.row(id).await.first_answered_at.is_some()).await;
        self.clock.advance(TimeDelta::seconds(1));
        id
    }

    async fn ask(&self, actor: &Actor, id: InstanceId) -> Result<(), Error> {
        let asked = Close { confirm: self.row(id).await.domain, ..Close::default() };
        instances::move_out(&self.worker.app, actor, id, &asked, None).await.map(drop)
    }

    async fn say_done(&self, id: InstanceId) -> Result<(), Error> {
        let asked = Close { confirm: DOMAIN.to_owned(), ..Close::default() };
        instances::say_handed_over(&self.worker.app, &self.operator, id, &asked, None).await.map(drop)
    }

    async fn verify_final_bundles(&self) {
        self.tick().await;
        VerifyFinalBundles::default().work(&self.worker).await.unwrap();
    }

    async fn lead(&self, id: InstanceId, media_redirect: Option<&str>) -> Result<(), Error> {
        let asked = Lead { media_redirect: media_redirect.map(str::to_owned), if_match: None };
        instances::lead_media(&self.worker.app, &self.operator, id, &asked, None).await.map(drop)
    }

    async fn leaving(&self, id: InstanceId) -> LeavingView {
        instances::get(&self.worker.app, &self.operator, id).await.unwrap().leaving.unwrap()
    }

    async fn phase(&self, id: InstanceId) -> Phase {
        instances::get(&self.worker.app, &self.operator, id).await.unwrap().phase
    }

    /// Asked for, stopped and bundled.
    async fn bundled(&self, id: InstanceId) {
        // A bundle begun later has a later id.
        self.clock.advance(TimeDelta::seconds(1));
        self.ask(&self.operator, id).await.unwrap();
        self.settle(id).await;
        self.bundle(id).await;
        self.settle(id).await;
    }

    /// States of the steps of the move.
    async fn steps(&self, id: InstanceId) -> Vec<StepState> {
        let operation = instances::overview(&self.worker.app, &self.operator, instances::Which::Id(id)).await.unwrap().last_operation;
        operation.unwrap().steps.iter().map(|it| it.state).collect()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_moves_and_tells_nobody() {
    use StepState::{Running, Succeeded, Waiting};
    let ground = Ground::new().await;
    let id = ground.running_at_own_domain().await;
    ground.ask(&ground.operator, id).await.unwrap();
    ground.sync(id).await;
    let spec = || ground.cluster.resource(&id.resource_name()).unwrap().spec;
    assert_eq!((spec().power_state, ground.steps(id).await), (PowerState::Suspended, vec![Running, Waiting, Waiting, Waiting]));
    assert_eq!(ground.final_bundles(id).await.len(), 0, "it may still run");
    ground.settle(id).await;
    let begun = ground.final_bundles(id).await.remove(0);
    assert_eq!((begun.mode.as_str(), ground.phase(id).await), ("stopped", Phase::MovingOut));
    assert_eq!(ground.steps(id).await, [Succeeded, Running, Waiting, Waiting]);

    ground.bundle(id).await;
    ground.settle(id).await;
    assert_eq!(ground.steps(id).await, [Succeeded, Succeeded, Running, Waiting]);
    // It leads elsewhere, where nobody answers yet.
    ground.outside.lead(DOMAIN, NEW_HOST);
    ground.clock.advance(TimeDelta::minutes(1));
    ground.settle(id).await;
    assert_eq!(ground.row(id).await.handed_over_at, None);
    ground.outside.copies.lock().unwrap().push(NEW_HOST.parse().unwrap());
    ground.clock.advance(TimeDelta::minutes(1));
    ground.settle(id).await;
    assert!(ground.row(id).await.handed_over_at.is_some());
    assert_eq!((ground.phase(id).await, ground.steps(id).await), (Phase::MovedOut, vec![Succeeded, Succeeded, Succeeded, Waiting]));
    let late = instances::undo(&ground.worker.app, &ground.operator, id, None, None).await.unwrap_err();
    assert_eq!(late.reason(), "handed_over");
    let mails = Mail::waiting(&mut *ground.conn().await, 20).await.unwrap();
    let of = |purpose: &str| mails.iter().filter(|it| it.purpose == purpose).count();
    assert_eq!((of("server_moving"), of("server_moved")), (1, 1));

    ground.clock.advance(GRACE - TimeDelta::hours(1));
    ground.settle(id).await;
    assert_eq!(ground.row(id).await.teardown_began_at, None, "what is left is kept for a while");
    assert_eq!((spec().power_state, spec().media_redirect, spec().teardown), (PowerState::Suspended, None, None));
    ground.clock.advance(TimeDelta::hours(1));
    ground.verify_final_bundles().await;
    ground.sync(id).await;
    assert_eq!(spec().power_state, PowerState::Suspended, "nothing lies where its final bundle should");
    let looked_at = MoveOut::of(&mut *ground.conn().await, id.as_uuid()).await.unwrap().unwrap().bundle_looked_at;
    assert_eq!(looked_at, Some(ground.clock.now()), "so that others come before it");
    let prefix = format!("{id}/{}", begun.id);
    let whole = bundle(DOMAIN, "4.5.11").files;
    ground.bundles.put_all(&prefix, &whole);
    ground.bundles.forget(&format!("{prefix}/{}", whole.keys().find(|it| it.starts_with("media/accounts")).unwrap()));
    ground.verify_final_bundles().await;
    ground.sync(id).await;
    assert_eq!(spec().power_state, PowerState::Suspended, "a file of its media is missing");
    ground.bundles.put_all(&prefix, &whole);
    ground.verify_final_bundles().await;
    ground.sync(id).await;
    // From here on the resource stays, for its media host alone.
    let handed_over_at = ground.row(id).await.handed_over_at.unwrap();
    let until = handed_over_at + TimeDelta::days(365);
    assert_eq!((spec().power_state, spec().teardown.map(|it| it.kind)), (PowerState::MovedOut, Some(TeardownKind::MoveOut)));
    assert_eq!((ground.row(id).await.teardown_began_at, ground.leaving(id).await.moved_out_until), (None, Some(until)));
    assert_eq!((ground.phase(id).await, ground.steps(id).await[3]), (Phase::MovedOut, Waiting));
    ground.lead(id, Some("https://files.new.example.net/birds/")).await.unwrap();
    ground.sync(id).await;
    assert_eq!(spec().media_redirect.as_deref(), Some("https://files.new.example.net/birds"));
    ground.lead(id, Some(" ")).await.unwrap();
    ground.sync(id).await;
    assert_eq!((spec().power_state, spec().media_redirect), (PowerState::MovedOut, None));

    ground.clock.advance(until - ground.clock.now() - TimeDelta::hours(1));
    ground.tick().await;
    ground.settle(id).await;
    assert_eq!((ground.row(id).await.teardown_began_at, ground.cluster.destroyed().len()), (None, 0));
    ground.clock.advance(TimeDelta::hours(1));
    ground.tick().await;
    ground.settle(id).await;
    let row = ground.row(id).await;
    assert_eq!((row.farewell_began_at, ground.cluster.destroyed()), (None, vec![id.to_string()]));
    assert_eq!(ground.lead(id, None).await.unwrap_err().reason(), "gone");
    let operation =
        instances::overview(&ground.worker.app, &ground.operator, instances::Which::Id(id)).await.unwrap().last_operation.unwrap();
    assert_eq!((operation.kind, operation.state), (OperationKind::MoveOut, OperationState::Succeeded));
    // Its time began when the data went.
    assert_eq!(ground.final_bundles(id).await[0].kept_until, Some(handed_over_at + GRACE + FINAL_KEPT));
}

/// Said with the move or later, by an owner, and never to nowhere.
#[tokio::test(flavor = "multi_thread")]
async fn where_its_media_is_can_be_said_and_changed() {
    let ground = Ground::new().await;
    let id = ground.running_at_own_domain().await;
    let there = "https://files.new.example.net";
    assert_eq!(ground.lead(id, Some(there)).await.unwrap_err().reason(), "not_moving_out");
    let media = format!("https://media.{DOMAIN}/files");
    for (typed, reason) in [
        ("http://files.new.example.net", "malformed"),
        ("https://10.0.0.1", "ip_address"),
        ("https://files", "single_label"),
        (&*media, "own_host"),
    ] {
        let asked = Close { confirm: DOMAIN.to_owned(), media_redirect: Some(typed.to_owned()), ..Close::default() };
        let refused = instances::move_out(&ground.worker.app, &ground.operator, id, &asked, None).await.unwrap_err();
        let Error::Invalid { fields } = &refused else { panic!("{refused:?}") };
        assert_eq!((fields[0].field, fields[0].reason), ("media_redirect", reason), "{typed}");
    }
    let asked = Close { confirm: DOMAIN.to_owned(), media_redirect: Some(there.to_owned()), ..Close::default() };
    instances::move_out(&ground.worker.app, &ground.operator, id, &asked, None).await.unwrap();
    let leaving = ground.leaving(id).await;
    assert_eq!((leaving.media_redirect.as_deref(), leaving.moved_out_until), (Some(there), None));
    let technical = Actor { role: Role::Technical, ..ground.operator.clone() };
    let asked = Lead { media_redirect: None, if_match: None };
    assert_eq!(instances::lead_media(&ground.worker.app, &technical, id, &asked, None).await.unwrap_err().reason(), "role");
    ground.lead(id, Some("https://other.example.net")).await.unwrap();
    assert_eq!(ground.leaving(id).await.media_redirect.as_deref(), Some("https://other.example.net"));
    // A move that is asked for anew says anew where its media will be.
    instances::undo(&ground.worker.app, &ground.operator, id, None, None).await.unwrap();
    ground.settle(id).await;
    ground.bundled(id).await;
    assert_eq!(ground.leaving(id).await.media_redirect, None);
}

/// A bundle that nobody has any more is no reason to delete what it was made of.
#[tokio::test(flavor = "multi_thread")]
async fn whose_final_bundle_was_deleted_while_it_waited_gets_another() {
    let ground = Ground::new().await;
    let id = ground.running_at_own_domain().await;
    ground.bundled(id).await;
    let first = ground.final_bundles(id).await.remove(0);
    ground.database.execute(&format!("UPDATE exports SET deleted_at = kept_until WHERE id = '{}'", first.id)).await;
    ground.clock.advance(TimeDelta::seconds(1));
    ground.tick().await;
    ground.settle(id).await;
    let all = ground.final_bundles(id).await;
    assert!(all.len() == 2 && all.iter().all(|it| it.kept_until.is_none()), "one is deleted, and one is not whole yet: {all:?}");
    assert_eq!(ground.say_done(id).await.unwrap_err().reason(), "not_bundled");
}

#[tokio::test(flavor = "multi_thread")]
async fn until_then_it_can_be_kept() {
    let ground = Ground::new().await;
    let id = ground.running_at_own_domain().await;
    ground.ask(&ground.operator, id).await.unwrap();
    ground.settle(id).await;
    let begun = ground.final_bundles(id).await.remove(0);
    instances::undo(&ground.worker.app, &ground.operator, id, None, None).await.unwrap();
    // It runs again before it is looked at.
    ground.settle(id).await;
    ground.clock.advance(GRACE * 2);
    ground.settle(id).await;
    assert_eq!(ground.export(begun.id).await.state, OperationState::Cancelled);
    let row = ground.row(id).await;
    assert_eq!((row.handed_over_at, row.teardown_began_at, ground.phase(id).await), (None, None, Phase::Running));
    assert_eq!(ground.cluster.resource(&id.resource_name()).unwrap().spec.power_state, PowerState::Running);
}

/// The other host may run it already.
#[tokio::test(flavor = "multi_thread")]
async fn a_remove_of_what_moves_out_starts_nothing_again() {
    let ground = Ground::new().await;
    let id = ground.running_at_own_domain().await;
    let spec = || ground.cluster.resource(&id.resource_name()).unwrap().spec;
    let remove = async || instances::remove(&ground.worker.app, &ground.operator, id, None).await.unwrap();
    // A move that was taken back is none.
    ground.ask(&ground.operator, id).await.unwrap();
    instances::undo(&ground.worker.app, &ground.operator, id, None, None).await.unwrap();
    remove().await;
    ground.settle(id).await;
    assert_eq!(spec().power_state, PowerState::Running);
    instances::undo(&ground.worker.app, &ground.operator, id, None, None).await.unwrap();

    ground.ask(&ground.operator, id).await.unwrap();
    ground.settle(id).await;
    remove().await;
    ground.settle(id).await;
    assert_eq!((spec().power_state, spec().teardown, ground.phase(id).await), (PowerState::Suspended, None, Phase::Removing));
    ground.clock.advance(GRACE + TimeDelta::seconds(1));
    ground.settle_until(id, async || ground.row(id).await.tombstoned_at.is_some()).await;
    assert_eq!(ground.row(id).await.farewell_began_at, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_owner_says_that_it_has_moved_where_nobody_sees_it() {
    let ground = Ground::new().await;
    let id = ground.running_at_own_domain().await;
    assert_eq!(ground.say_done(id).await.unwrap_err().reason(), "not_moving_out");
    ground.ask(&ground.operator, id).await.unwrap();
    ground.settle(id).await;
    assert_eq!(ground.say_done(id).await.unwrap_err().reason(), "not_bundled");
    instances::undo(&ground.worker.app, &ground.operator, id, None, None).await.unwrap();
    ground.settle(id).await;
    ground.bundled(id).await;
    ground.say_done(id).await.unwrap();
    ground.settle(id).await;
    assert_eq!(ground.phase(id).await, Phase::MovedOut);
    assert_eq!(ground.say_done(id).await.unwrap_err().reason(), "handed_over");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_can_and_what_can_be_moved() {
    let mut ground = Ground::new().await;
    let actions = async |ground: &Ground, id| {
        let overview = instances::overview(&ground.worker.app, &ground.operator, instances::Which::Id(id)).await.unwrap();
        overview.actions.contains(&Action::MoveOut)
    };
    let ours = ground.running("birds.fedi.localhost").await;
    assert_eq!(ground.ask(&ground.operator, ours).await.unwrap_err().reason(), "platform_domain");
    let not_up = ground.launch("owls.example.org").await;
    assert_eq!(ground.ask(&ground.operator, not_up).await.unwrap_err().reason(), "not_set_up");
    assert!(!actions(&ground, ours).await && !actions(&ground, not_up).await);

    let id = ground.running_at_own_domain().await;
    assert!(actions(&ground, id).await);
    let technical = Actor { role: Role::Technical, ..ground.operator.clone() };
    assert_eq!(ground.ask(&technical, id).await.unwrap_err().reason(), "role");
    let wrong = Close { confirm: "owls.example.org".to_owned(), ..Close::default() };
    let refused = instances::move_out(&ground.worker.app, &ground.operator, id, &wrong, None).await.unwrap_err();
    assert!(refused.to_string().contains("move this server out"), "{refused}");
    ground.close(id).await;
    assert_eq!(ground.ask(&ground.operator, id).await.unwrap_err().reason(), "already_leaving");
    instances::undo(&ground.worker.app, &ground.operator, id, None, None).await.unwrap();
    Arc::get_mut(&mut ground.worker).unwrap().app.bundles = None;
    assert_eq!(ground.ask(&ground.operator, id).await.unwrap_err().reason(), "no_bundles");
}
