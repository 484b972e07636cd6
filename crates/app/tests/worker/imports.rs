//! Imports from what is brought to the server in its old one's place: looked into, rehearsed, cut over, thrown away, taken back.

use chrono::TimeDelta;
use howdah_app::exports;
use howdah_app::imports::{self, Announced, CutOver, ImportLaunch, ImportSource, ImportState, ImportView};
use howdah_app::jobs::{DeleteExports, SendMails};
use howdah_app::sealed::{self, Kind};
use howdah_app::{Error, Once};
use howdah_crd::{Bootstrap, MastodonInstance, PowerState};
use howdah_db::models::mail::Mail;
use howdah_domain::{Clock, ExportId, ImportId, InstanceId, OperationKind, OperationState};
use howdah_testkit::arriving::{Arriving, bundle, bundle_with_phrase};

use crate::ground::{Ground, INGRESS};

const DOMAIN: &str = "birds.test";
const VERSION: &str = "4.5.11";
const OLD_HOST: &str = "198.51.100.7";

impl Ground {
    async fn begin_import(&self) -> ImportId {
        match imports::begin(&self.worker.app, &self.operator, ImportSource::Upload, None).await.unwrap() {
            Once::Done(id) => id,
            Once::Again { .. } => panic!("no key was given"),
        }
    }

    /// Begun, with all of the bundle there.
    async fn brought(&self) -> (ImportId, Arriving) {
        let (id, arriving) = (self.begin_import().await, bundle(DOMAIN, VERSION));
        self.bundles.put_all(&format!("imports/{id}"), &arriving.files);
        (id, arriving)
    }

    async fn import(&self, id: ImportId) -> ImportView {
        imports::get(&self.worker.app, &self.operator, id).await.unwrap()
    }

    async fn launch_import(&self, id: ImportId, key: &str) -> Result<InstanceId, Error> {
        let request = ImportLaunch { plan: "small".to_owned(), key: key.to_owned().into(), ..ImportLaunch::default() };
        match imports::launch(&self.worker.app, &self.operator, id, &request, None).await? {
            Once::Done(launched) => Ok(launched.instance),
            Once::Again { .. } => panic!("no key was given"),
        }
    }

    /// Loaded, and waiting for a decision; the old server answers at its address.
    async fn rehearsing(&self) -> (ImportId, InstanceId) {
        let (id, arriving) = self.brought().await;
        let server = self.launch_import(id, &arriving.key).await.unwrap();
        self.settle(server).await;
        (id, server)
    }

    async fn cut_over(&self, id: ImportId, source_is_stopped: bool) -> Result<(), Error> {
        imports::cut_over(&self.worker.app, &self.operator, id, CutOver { source_is_stopped }, None).await.map(drop)
    }

    async fn discard(&self, id: ImportId, confirm: &str) -> Result<Option<ImportId>, Error> {
        match imports::discard(&self.worker.app, &self.operator, id, confirm, None).await? {
            Once::Done(again) => Ok(again),
            Once::Again { .. } => panic!("no key was given"),
        }
    }

    /// What mails of this kind say that wait.
    async fn told_of(&self, kind: &str) -> Vec<String> {
        let waiting = Mail::waiting(&mut *self.conn().await, 50).await.unwrap();
        waiting.into_iter().filter(|it| it.purpose == kind).map(|it| format!("{}\n{}", it.subject, it.text_body)).collect()
    }

    fn sent(&self, server: InstanceId) -> MastodonInstance {
        self.cluster.resource(&server.resource_name()).expect("a resource in the cluster")
    }
}

fn pass(resource: &MastodonInstance) -> i32 {
    match &resource.spec.bootstrap {
        Bootstrap::Import(import) => import.pass,
        Bootstrap::New { .. } => panic!("it is an import"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_moves_in_by_a_rehearsal_and_a_cut_over() {
    let ground = Ground::new().await;
    let (id, server) = ground.rehearsing().await;

    let rehearsal = ground.sent(server);
    assert_eq!((rehearsal.spec.power_state, pass(&rehearsal), rehearsal.spec.routing.enabled), (PowerState::Rehearsal, 1, false));
    assert!(rehearsal.spec.routing.preview_host.as_ref().is_some_and(|it| it.starts_with("preview-") && it.ends_with(".fedi.localhost")));
    assert!(ground.cluster.secrets().contains(&format!("{}-key", server.resource_name())), "{:?}", ground.cluster.secrets());
    let seen = ground.import(id).await;
    assert!(seen.is_rehearsing && seen.state == ImportState::Launched && seen.preview_url.is_some());
    let operation = ground.operation(server).await;
    assert_eq!((operation.kind, operation.state), (OperationKind::Import, OperationState::Running));
    assert_eq!(ground.row(server).await.launched_at, None, "nobody has met it");

    ground.cut_over(id, true).await.unwrap();
    assert_eq!(ground.cut_over(id, true).await.unwrap_err().reason(), "decided");
    ground.settle(server).await;
    let running = ground.sent(server);
    assert_eq!((running.spec.power_state, pass(&running), &running.spec.routing.preview_host), (PowerState::Running, 2, &None));
    assert_eq!(ground.operation(server).await.state, OperationState::Succeeded);
    assert!(ground.row(server).await.launched_at.is_some());
    let conn = &mut *ground.conn().await;
    let key = sealed::open(conn, &ground.worker.app.keys, server.as_uuid(), Kind::BundleKey).await.unwrap();
    assert_eq!(key, None, "nobody needs it any more");
    SendMails::default().work(&ground.worker).await.unwrap();
    let told: Vec<String> = ground.mailer.sent.lock().unwrap().iter().map(|it| it.subject.clone()).collect();
    assert_eq!(told, [format!("{DOMAIN} is imported: look at it"), format!("{DOMAIN} has moved in")]);
}

/// Who it is comes with it: nothing of its identity is made anew.
#[tokio::test(flavor = "multi_thread")]
async fn it_goes_on_being_who_it_was() {
    let ground = Ground::new().await;
    let (id, arriving) = ground.brought().await;
    let server = ground.launch_import(id, &arriving.key).await.unwrap();
    let conn = &mut *ground.conn().await;
    let identity = sealed::open(conn, &ground.worker.app.keys, server.as_uuid(), Kind::Identity).await.unwrap().unwrap();
    assert_eq!(identity["SECRET_KEY_BASE"], arriving.secret_key_base);
    let row = ground.row(server).await;
    assert_eq!((row.domain.as_str(), row.version.as_str()), (DOMAIN, VERSION));
    assert_eq!(ground.launch_import(id, &arriving.key).await.unwrap_err().reason(), "launched");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_speaks_against_it_is_said_before_anything_is_made() {
    let ground = Ground::new().await;
    let app = &ground.worker.app;
    let (id, arriving) = ground.brought().await;
    let prefix = format!("imports/{id}");
    let reasons = async || -> Vec<String> {
        let view = imports::look(app, &ground.operator, id, None).await.unwrap();
        view.seen.unwrap().findings.into_iter().filter(|it| it.is_wrong).map(|it| it.reason).collect()
    };
    assert_eq!(reasons().await, Vec::<String>::new());
    let wrong = ground.launch_import(id, &bundle(DOMAIN, VERSION).key).await.unwrap_err();
    assert!(matches!(&wrong, Error::Invalid { fields } if fields[0].field == "key"), "{wrong:?}");
    assert_eq!(ground.launch_import(id, "").await.unwrap_err().reason(), "invalid");

    for (path, bytes, expected) in [
        ("postgres/checks.json", b"{}".as_slice(), "digest_differs"),
        ("postgres/mastodon_production.dump.age", b"short", "digest_differs"),
        ("media/accounts/avatars/109/2/original/b.png", b"added", "media_differs"),
        ("PREFLIGHT.json", b"{", "unreadable"),
    ] {
        ground.bundles.put_bytes(&format!("{prefix}/{path}"), bytes);
        assert!(reasons().await.contains(&expected.to_owned()), "{path}: {:?}", reasons().await);
        assert!(ground.launch_import(id, &arriving.key).await.is_err());
        ground.bundles.forget(&format!("{prefix}/{path}"));
        ground.bundles.put_all(&prefix, &arriving.files);
    }
    ground.bundles.forget(&format!("{prefix}/MANIFEST.json"));
    assert_eq!(reasons().await, ["missing"]);
    for (domain, version, expected) in [(DOMAIN, "3.5.0", "unknown_release"), ("birds.fedi.localhost", VERSION, "address")] {
        ground.bundles.put_all(&prefix, &bundle(domain, version).files);
        assert_eq!(reasons().await, [expected], "{domain} {version}");
    }
    ground.bundles.go_away(true);
    assert!(matches!(imports::look(app, &ground.operator, id, None).await, Err(Error::Unavailable { .. })));
}

/// Named are what was found, what is taken, and the way from the one to the other.
#[tokio::test(flavor = "multi_thread")]
async fn a_version_that_is_not_taken_in_is_told_the_way_out() {
    let ground = Ground::new().await;
    let id = ground.begin_import().await;
    for (version, reason, words) in [
        ("4.2.10", "unknown_release", ["Mastodon 4.2.10 is older than 4.3.0, the oldest", "upgrade the old server to 4.3.23 first"]),
        ("4.5.99", "unknown_release", ["Mastodon 4.5.99 is newer than 4.5.11, the newest of its line", "can't go back"]),
        ("99.0.0", "unknown_release", ["Mastodon 99.0.0 is newer than all that run here", "write to the support"]),
        ("4.5", "unknown_release", ["“4.5” is no version", "--mastodon-version"]),
        ("4.5.11+glitch", "fork", ["glitch-soc", "only Mastodon itself runs here. Move the old server"]),
    ] {
        ground.bundles.put_all(&format!("imports/{id}"), &bundle(DOMAIN, version).files);
        let seen = imports::look(&ground.worker.app, &ground.operator, id, None).await.unwrap().seen.unwrap();
        let wrong: Vec<_> = seen.findings.iter().filter(|it| it.is_wrong).collect();
        assert!(wrong.len() == 1 && wrong[0].reason == reason, "{version}: {wrong:?}");
        for words in words {
            assert!(wrong[0].sentence.contains(words), "{version}: {}", wrong[0].sentence);
        }
    }
    // One whose own release is not at hand runs as the newest of its line.
    ground.bundles.put_all(&format!("imports/{id}"), &bundle(DOMAIN, "4.5.3+birds").files);
    let seen = imports::look(&ground.worker.app, &ground.operator, id, None).await.unwrap().seen.unwrap();
    assert!(seen.holds() && seen.server.unwrap().runs_as.as_deref() == Some("4.5.11"));
    assert!(seen.findings.iter().any(|it| it.reason == "own_build"));
}

/// Two servers of one name are one too many.
#[tokio::test(flavor = "multi_thread")]
async fn an_old_server_that_still_answers_is_not_cut_over_from() {
    let ground = Ground::new().await;
    ground.outside.lead(DOMAIN, OLD_HOST);
    ground.outside.copies.lock().unwrap().push(OLD_HOST.parse().unwrap());
    *ground.outside.answers.lock().unwrap() = true;
    let (id, server) = ground.rehearsing().await;
    assert_eq!(ground.cut_over(id, false).await.unwrap_err().reason(), "source_runs");
    assert_eq!(ground.sent(server).spec.power_state, PowerState::Rehearsal);
    // Its owner knows better.
    ground.cut_over(id, true).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rehearsal_is_thrown_away_and_begun_again() {
    let ground = Ground::new().await;
    let (id, server) = ground.rehearsing().await;
    let again = ground.discard(id, "").await.unwrap().expect("what was brought stays");
    ground.settle(server).await;
    assert!(ground.row(server).await.tombstoned_at.is_some());
    assert_eq!(ground.cluster.destroyed(), [server.to_string()]);
    assert!(ground.told_of("import_taken_back").await.is_empty(), "a rehearsal is nobody's loss");
    assert_eq!(ground.import(id).await.state, ImportState::Gone);
    assert_eq!(ground.discard(id, "").await.unwrap_err().reason(), "gone");

    let arriving = bundle(DOMAIN, VERSION);
    ground.bundles.put_all(&format!("imports/{id}"), &arriving.files);
    let second = ground.launch_import(again, &arriving.key).await.unwrap();
    ground.settle(second).await;
    assert!(ground.import(again).await.is_rehearsing, "its name is free again");
}

/// An account that may have one server has it: the one that is going makes room, and the next begins once it is gone.
#[tokio::test(flavor = "multi_thread")]
async fn a_new_rehearsal_takes_the_place_of_the_one_that_is_going() {
    let ground = Ground::new().await;
    let (app, eve) = (&ground.worker.app, ground.stranger("eve@cats.example").await);
    let arriving = bundle(DOMAIN, VERSION);
    let begin = async || {
        let id = imports::begin(app, &eve, ImportSource::Upload, None).await.unwrap().done().unwrap();
        ground.bundles.put_all(&format!("imports/{id}"), &arriving.files);
        id
    };
    let launch = async |id: ImportId| {
        let key = arriving.key.clone().into();
        let request = ImportLaunch { plan: "small".to_owned(), key, ..ImportLaunch::default() };
        imports::launch(app, &eve, id, &request, None).await.map(|it| it.done().unwrap().instance)
    };
    let (id, other) = (begin().await, begin().await);
    let first = launch(id).await.unwrap();
    ground.settle(first).await;
    let again = imports::discard(app, &eve, id, "", None).await.unwrap().done().unwrap().expect("what was brought stays");
    ground.sync(first).await;
    assert!(ground.row(first).await.tombstoned_at.is_none(), "it is on its way out");
    assert_eq!(launch(other).await.unwrap_err().reason(), "limit_reached", "no place for another one's");
    let second = launch(again).await.unwrap();
    ground.sync(second).await;
    assert!(ground.cluster.resource(&second.resource_name()).is_none(), "two never have one name in a cluster");
    ground.settle(first).await;
    assert!(ground.row(first).await.tombstoned_at.is_some());
    ground.settle(second).await;
    let seen = imports::get(app, &eve, again).await.unwrap();
    assert!(seen.is_rehearsing, "{seen:?}");
}

/// For a week, with the domain typed: what was written since is lost.
#[tokio::test(flavor = "multi_thread")]
async fn there_is_a_way_back_and_then_none() {
    let ground = Ground::new().await;
    let (id, server) = ground.rehearsing().await;
    ground.cut_over(id, true).await.unwrap();
    ground.outside.lead(DOMAIN, INGRESS);
    ground.settle(server).await;
    assert!(matches!(ground.discard(id, "").await, Err(Error::Invalid { .. })));
    ground.clock.advance(TimeDelta::days(6));
    let again = ground.discard(id, DOMAIN).await.unwrap().expect("what was brought stays");
    let told = ground.told_of("import_taken_back").await;
    assert!(told.len() == 1 && told[0].contains(DOMAIN) && told[0].contains(&again.to_string()), "its owner is told: {told:?}");
    ground.settle(server).await;
    assert!(ground.row(server).await.tombstoned_at.is_some());
    assert!(ground.row(server).await.farewell_began_at.is_none(), "nobody is told");

    let arriving = bundle(DOMAIN, VERSION);
    ground.bundles.put_all(&format!("imports/{id}"), &arriving.files);
    let second = ground.launch_import(again, &arriving.key).await.unwrap();
    ground.settle(second).await;
    ground.cut_over(again, true).await.unwrap();
    ground.settle(second).await;
    ground.clock.advance(TimeDelta::days(8));
    assert_eq!(ground.discard(again, DOMAIN).await.unwrap_err().reason(), "no_way_back");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_brought_and_never_launched_goes_after_its_time() {
    let ground = Ground::new().await;
    let (id, _) = ground.brought().await;
    ground.clock.advance(TimeDelta::days(29));
    DeleteExports::default().work(&ground.worker).await.unwrap();
    assert!(!ground.bundles.keys().is_empty());
    ground.clock.advance(TimeDelta::days(2));
    DeleteExports::default().work(&ground.worker).await.unwrap();
    assert_eq!(ground.bundles.keys(), Vec::<String>::new());
    assert_eq!(ground.import(id).await.state, ImportState::Gone);
    assert!(ground.import(id).await.kept_until <= ground.clock.now());
}

/// What lies here already is not brought again, is nobody else's, and stays as long as a server is being made of it.
#[tokio::test(flavor = "multi_thread")]
async fn an_export_that_lies_here_becomes_a_server() {
    let ground = Ground::new().await;
    let app = &ground.worker.app;
    let export = ground.whole_export(ground.running("cats.fedi.localhost").await).await;
    let prefix = export_prefix(&ground, export).await;
    let arriving = bundle(DOMAIN, VERSION);
    ground.bundles.put_all(&prefix, &arriving.files);
    let eve = ground.stranger("eve@cats.example").await;
    let foreign = imports::begin(app, &eve, ImportSource::Export(export), None).await.unwrap_err();
    assert_eq!(foreign.reason(), "not_found");

    let Once::Done(id) = imports::begin(app, &ground.operator, ImportSource::Export(export), None).await.unwrap() else { panic!() };
    let file = Announced { path: "PREFLIGHT.json".to_owned(), bytes: 1 };
    assert_eq!(imports::offer(app, &ground.operator, id, None, &[file]).await.unwrap_err().reason(), "nothing_to_bring");
    let server = ground.launch_import(id, &arriving.key).await.unwrap();
    ground.settle(server).await;
    ground.clock.advance(TimeDelta::days(40));
    DeleteExports::default().work(&ground.worker).await.unwrap();
    assert!(ground.bundles.keys().iter().any(|it| it.starts_with(&prefix)), "the cut-over loads it once more");
    ground.cut_over(id, true).await.unwrap();
    ground.settle(server).await;
    assert_eq!(ground.operation(server).await.state, OperationState::Succeeded);
}

async fn export_prefix(ground: &Ground, export: ExportId) -> String {
    let view = exports::get(&ground.worker.app, &ground.operator, export).await.unwrap();
    format!("{}/{export}", view.instance)
}

/// The key that it opens is kept for the load, and the phrase is not.
#[tokio::test(flavor = "multi_thread")]
async fn a_bundle_is_opened_by_its_recovery_phrase() {
    let ground = Ground::new().await;
    let (id, arriving) = (ground.begin_import().await, bundle_with_phrase(DOMAIN, VERSION));
    ground.bundles.put_all(&format!("imports/{id}"), &arriving.files);
    let wrong = ground.launch_import(id, "one two three").await.unwrap_err();
    assert!(matches!(&wrong, Error::Invalid { fields } if fields[0].field == "key" && fields[0].reason == "wrong_key"), "{wrong:?}");
    let server = ground.launch_import(id, &arriving.key.replace('-', " ")).await.unwrap();
    let kept = sealed::open(&mut *ground.conn().await, &ground.worker.app.keys, server.as_uuid(), Kind::BundleKey).await.unwrap().unwrap();
    let identity = &kept[howdah_crd::secrets::import::IDENTITY];
    assert!(identity.contains("AGE-SECRET-KEY-1") && !identity.contains(&arriving.key), "{identity}");
}
