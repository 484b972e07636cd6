//! What pages ask: whether an address or a launch would be taken, lists of servers, what was done, and the operator's views.

use chrono::TimeDelta;
use howdah_app::fleet::{self, Found, JobQuery};
use howdah_app::instances::{self, Openness, OwnerLinkState, ServerQuery, Which};
use howdah_app::settings::{self, SettingsChange};
use howdah_app::{Actor, Page, Scope, activity};
use howdah_db::models::instance::Instance;
use howdah_db::models::operation::Operation as OperationRow;
use howdah_domain::lifecycle::{Cause, LaunchStep};
use howdah_domain::listing::{OperationFilter, PlaceKind, ServerFilter, ServerSort};
use howdah_domain::{Action, Operation, Phase, StepFact, StepName};

use crate::ground::{Ground, platforms_newest, reason};

impl Ground {
    /// Addresses of what a query finds, page by page.
    async fn found(&self, actor: &Actor, query: ServerQuery) -> Vec<String> {
        let mut query = query;
        let mut all = Vec::new();
        loop {
            let list = instances::servers(&self.app, actor, &query).await.unwrap();
            assert!(list.rows.len() <= usize::try_from(query.limit).unwrap());
            all.extend(list.rows.into_iter().map(|it| it.server.domain));
            match list.next {
                Some(next) => query.after = Some(next),
                None => return all,
            }
        }
    }

    async fn set(&self, operator: &Actor, change: SettingsChange) {
        let revision = settings::current(&self.app).await.unwrap().revision;
        settings::change(&self.app, operator, Some(revision), &change).await.unwrap();
    }
}

fn open() -> SettingsChange {
    SettingsChange {
        support_address: "help@howdah.example".to_owned(),
        grant_every_launch: true,
        servers_per_account: 9,
        ..SettingsChange::default()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_is_checked_as_the_launch_would() {
    let ground = Ground::new().await;
    let (ada, bob) = (ground.customer("ada@example.org").await, ground.customer("bob@example.org").await);
    ground.launch(&ada, "birds.fedi.localhost").await.unwrap();
    let check = async |domain: &str, web: Option<&str>| instances::check_address(&ground.app, &bob, domain, web).await.unwrap();
    let table = [
        ("birds.fedi.localhost", None, Some("name_taken"), "stays_here for_ever"),
        ("media.birds.fedi.localhost", None, Some("platform_domain"), ""),
        ("fish.fedi.localhost", None, None, "stays_here for_ever"),
        ("admin.fedi.localhost", None, Some("reserved"), ""),
        ("https://fish.test", None, Some("malformed"), ""),
        ("fish.test", None, None, "for_ever proof"),
        ("fish.test", Some("social.fish.test"), None, "for_ever proof pass_on"),
        ("mastodon.test", None, None, "for_ever proof trademark"),
    ];
    for (domain, web, problem, notes) in table {
        let found = check(domain, web).await;
        assert_eq!(found.problems.first().map(|it| it.reason), problem, "{domain}");
        assert_eq!(found.notes.iter().map(|it| it.as_str()).collect::<Vec<_>>().join(" "), notes, "{domain}");
        assert!(found.notes.iter().all(|it| it.sentence().ends_with('.')));
    }
    let split = check("Fish.test", Some("social.fish.test")).await;
    assert_eq!((split.handle.as_str(), split.url.as_str()), ("@ana@fish.test", "https://social.fish.test"));
    assert_eq!(split.normalised.unwrap().media_domain, "media.social.fish.test");
    assert_eq!(instances::check_owner_name("@Ana_1").unwrap(), "Ana_1");
    assert_eq!(instances::check_owner_name("ana.b").unwrap_err().reason, "malformed");
}

#[tokio::test(flavor = "multi_thread")]
async fn no_room_means_closed_before_and_at_the_launch() {
    let ground = Ground::with(open()).await;
    let (ada, operator) = (ground.customer("ada@example.org").await, ground.operator().await);
    let of = async |actor: Option<&Actor>| {
        let has_room = instances::has_room(&ground.app).await.unwrap();
        instances::openness(&ground.app, actor, has_room).await.unwrap()
    };
    assert_eq!(of(Some(&ada)).await, Openness::Open);
    ground
        .set(&operator, SettingsChange { new_servers: "closed".to_owned(), new_servers_sentence: "Full until May.".to_owned(), ..open() })
        .await;
    for actor in [Some(&ada), None] {
        assert_eq!(of(actor).await, Openness::Closed { reason: "new_servers_closed", sentence: "Full until May.".to_owned() });
    }
    assert_eq!(ground.launch(&ada, "birds.fedi.localhost").await.unwrap_err().to_string(), "Full until May.");
    assert_eq!(of(Some(&operator)).await, Openness::Open);
    ground.set(&operator, SettingsChange { servers_per_account: 0, ..open() }).await;
    assert!(matches!(of(Some(&ada)).await, Openness::Closed { reason: "limit_reached", .. }));
    ground.set(&operator, open()).await;
    ground.database.execute("UPDATE clusters SET capacity = 0 WHERE name = 'real'").await;
    let refused = ground.launch(&ada, "birds.fedi.localhost").await.unwrap_err();
    for actor in [Some(&ada), Some(&operator), None] {
        assert_eq!(of(actor).await, Openness::Closed { reason: "no_room", sentence: refused.to_string() });
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_are_searched_filtered_sorted_and_paged() {
    let ground = Ground::with(open()).await;
    let (ada, bob, operator) =
        (ground.customer("ada@example.org").await, ground.customer("bob@example.com").await, ground.operator().await);
    let mut last = None;
    for (actor, name) in [(&ada, "ants"), (&bob, "bees"), (&ada, "cats"), (&bob, "dogs"), (&ada, "eels")] {
        ground.clock.advance(TimeDelta::seconds(1));
        last = Some(ground.launch(actor, &format!("{name}.fedi.localhost")).await.unwrap());
    }
    let last = last.unwrap();
    let names = async |actor: &Actor, query: ServerQuery| {
        let found = ground.found(actor, query).await;
        found.iter().map(|it| it.split('.').next().unwrap().to_owned()).collect::<Vec<_>>().join(" ")
    };
    let fleet = || ServerQuery { fleet: true, limit: 2, ..ServerQuery::default() };
    let search = |text: &str| ServerQuery { search: text.to_owned(), ..fleet() };
    assert_eq!(names(&ada, ServerQuery { limit: 1, ..ServerQuery::default() }).await, "eels cats ants");
    let sorted = |sort| ServerQuery { sort, ..fleet() };
    assert_eq!(names(&operator, sorted(ServerSort::Newest)).await, "eels dogs cats bees ants");
    assert_eq!(names(&operator, sorted(ServerSort::Oldest)).await, "ants bees cats dogs eels");
    assert_eq!(names(&operator, sorted(ServerSort::Domain)).await, "ants bees cats dogs eels");
    assert_eq!(names(&operator, sorted(ServerSort::DomainDown)).await, "eels dogs cats bees ants");
    assert_eq!(names(&operator, search("at")).await, "cats");
    assert_eq!(names(&operator, search("%")).await, "");
    assert_eq!(names(&operator, search("bob@example")).await, "dogs bees");
    assert_eq!(names(&operator, search(&last.instance.to_string())).await, "eels");
    assert_eq!(names(&operator, search(&last.instance.resource_name())).await, "eels");
    assert_eq!(names(&ada, ServerQuery { search: "bees".to_owned(), ..ServerQuery::default() }).await, "");
    let state = |state| ServerQuery { state: Some(state), ..fleet() };
    assert_eq!(names(&operator, state(ServerFilter::Launching)).await, "eels dogs cats bees ants");
    ground.launched(last.instance).await;
    assert_eq!(names(&operator, state(ServerFilter::Running)).await, "eels");
    assert_eq!(names(&operator, state(ServerFilter::AwaitingAddress)).await, "");
    assert_eq!(names(&operator, ServerQuery { plan: Some("large".to_owned()), ..fleet() }).await, "");
    assert_eq!(names(&operator, ServerQuery { cluster: Some("fake".to_owned()), ..fleet() }).await, "");
    assert_eq!(reason(instances::servers(&ground.app, &ada, &fleet()).await.map(drop)), "operators_only");
    let wrong = ServerQuery { after: Some("x".to_owned()), ..fleet() };
    assert_eq!(reason(instances::servers(&ground.app, &operator, &wrong).await.map(drop)), "invalid");
    let found = fleet::find(&ground.app, &operator, &last.operation.to_string()).await.unwrap();
    assert_eq!(found, Found::Operation { server: last.instance, operation: last.operation });
    assert_eq!(fleet::find(&ground.app, &operator, &last.instance.resource_name()).await.unwrap(), Found::Server(last.instance));
    assert_eq!(fleet::find(&ground.app, &operator, "birds").await.unwrap(), Found::Nothing);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_overview_says_what_can_be_done_and_by_whom() {
    let ground = Ground::with(open()).await;
    let (ada, bob, operator) =
        (ground.customer("ada@example.org").await, ground.customer("bob@example.com").await, ground.operator().await);
    let launched = ground.launch(&ada, "birds.test").await.unwrap();
    let slug = Which::Slug("birds-test");
    let overview = instances::overview(&ground.app, &ada, slug).await.unwrap();
    assert_eq!((overview.server.phase, overview.owner_link), (Phase::Launching, OwnerLinkState::Waiting));
    assert_eq!(overview.actions, [Action::SetRecords, Action::Close]);
    assert_eq!(overview.last_operation.unwrap().id, launched.operation);
    assert_eq!(overview.reference, launched.instance.to_string());
    assert_eq!(reason(instances::overview(&ground.app, &bob, slug).await.map(drop)), "not_found");
    assert_eq!(reason(instances::address(&ground.app, &bob, slug).await.map(drop)), "not_found");
    assert_eq!(reason(instances::look_again(&ground.app, &bob, launched.instance, None).await), "not_found");
    let all = fleet::server(&ground.app, &operator, slug).await.unwrap();
    assert_eq!(
        (all.namespace, all.cluster.as_str(), all.people[0].email.as_str()),
        (launched.instance.resource_name(), "real", "ada@example.org")
    );
    assert_eq!(all.overview.actions, [Action::SetRecords, Action::Remove]);
    assert_eq!(all.overview.owner_link, OwnerLinkState::NotYours);
    assert_eq!(reason(fleet::server(&ground.app, &ada, slug).await.map(drop)), "operators_only");
    instances::remove(&ground.app, &operator, launched.instance, None).await.unwrap();
    let told = activity::of_server(&ground.app, &ada, launched.instance, None, 10).await.unwrap();
    let told: Vec<String> = told.iter().map(|it| format!("{} {}", it.who, it.sentence)).collect();
    assert_eq!(told, ["An operator asked for the server to be removed", "Ada launched the server birds.test"]);
    assert_eq!(reason(activity::of_server(&ground.app, &bob, launched.instance, None, 10).await.map(drop)), "not_found");
    assert_eq!(reason(activity::of_account(&ground.app, &ada, None, 10).await), "scope_missing", "it tells who belongs to the account");
    let ada = Actor { scopes: vec![Scope::People], ..ada };
    let of_account = activity::of_account(&ground.app, &ada, None, 10).await.unwrap();
    assert!(!of_account.iter().any(|it| it.action.starts_with("instance.")), "{of_account:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn operators_try_again_what_failed() {
    let ground = Ground::with(open()).await;
    let (ada, operator) = (ground.customer("ada@example.org").await, ground.operator().await);
    let launched = ground.launch(&ada, "birds.fedi.localhost").await.unwrap();
    let retry = async |actor: &Actor, id| fleet::retry(&ground.app, actor, id, None).await.map(|it| it.done().unwrap().id);
    assert_eq!(reason(retry(&ada, launched.operation).await), "operators_only");
    assert_eq!(reason(retry(&operator, launched.operation).await), "nothing_to_retry");
    let held_up = [(StepName::Launch(LaunchStep::Schema), StepFact::Failing(Cause::new("JobFailed", None)))];
    ground.change_operation(launched.operation, |it| it.start(ground.now()).unwrap().advance(&held_up, ground.now()).unwrap()).await;
    let list = async |filter| {
        let page = Page { before: None, limit: 10 };
        fleet::operations(&ground.app, &operator, "", filter, page).await.unwrap().iter().map(|it| it.domain.clone()).collect::<Vec<_>>()
    };
    assert_eq!(list(OperationFilter::HeldUp).await, ["birds.fedi.localhost"]);
    let fleet = ServerQuery { fleet: true, state: Some(ServerFilter::HeldUp), ..ServerQuery::default() };
    assert_eq!(ground.found(&operator, fleet).await, ["birds.fedi.localhost"]);
    assert_eq!(retry(&operator, launched.operation).await.unwrap(), launched.operation);
    let cause = Cause::new("JobFailed", None);
    ground.change_operation(launched.operation, |it| it.fail(StepName::Launch(LaunchStep::Schema), cause, ground.now()).unwrap()).await;
    assert_eq!((list(OperationFilter::Failed).await.len(), list(OperationFilter::Live).await.len()), (1, 0));
    ground.clock.advance(TimeDelta::seconds(1));
    let anew = retry(&operator, launched.operation).await.unwrap();
    assert_ne!(anew, launched.operation);
    assert_eq!(retry(&operator, launched.operation).await.unwrap(), anew, "the second time finds the first one's");
    assert_eq!(list(OperationFilter::Live).await.len(), 1);
    let jobs = fleet::jobs(&ground.app, &operator, &JobQuery::default()).await.unwrap().jobs;
    let sync = &jobs.iter().find(|it| it.job.name == "sync_instance").unwrap().job;
    assert_eq!((sync.server, sync.has_failed), (Some(launched.instance), false));
    fleet::retry_job(&ground.app, &operator, sync.id, None).await.unwrap();
    let (recorded, details) = platforms_newest(&ground).await;
    assert_eq!((recorded.action.as_str(), recorded.actor_id), ("job.retry", Some(operator.person.as_uuid())));
    assert_eq!(details, serde_json::json!({"job": sync.id}));
    assert_eq!(reason(fleet::retry_job(&ground.app, &operator, 0, None).await), "not_found");
    let places = fleet::places(&ground.app, &operator).await.unwrap();
    let real = places.iter().find(|it| it.name == "real").unwrap();
    assert_eq!((real.kind, real.servers, real.room()), (PlaceKind::Cluster, 1, 49));
}

impl Ground {
    async fn launched(&self, id: howdah_domain::InstanceId) {
        let conn = &mut self.database.conn().await;
        assert!(Instance::launched(conn, id.as_uuid(), self.now()).await.unwrap());
    }

    async fn change_operation(&self, id: howdah_domain::OperationId, change: impl FnOnce(Operation) -> Operation) {
        use howdah_db::models::operation::OperationStep;
        let conn = &mut self.database.conn().await;
        let row = OperationRow::by_id(conn, id.as_uuid()).await.unwrap().unwrap();
        let steps = OperationStep::of(conn, row.id).await.unwrap();
        let changed = change(row.with_steps(&steps).unwrap());
        OperationRow::save(conn, row.id, row.revision, &changed).await.unwrap().unwrap();
    }
}
