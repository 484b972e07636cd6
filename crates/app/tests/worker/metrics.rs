//! What Prometheus is told.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use chrono::TimeDelta;
use futures::FutureExt;
use howdah_app::worker::WorkerSettings;
use howdah_app::{metrics, observer};
use howdah_testkit::wait::wait_for;
use http::{Request, Response, StatusCode};
use kube::Client;
use kube::client::Body;

use crate::ground::Ground;

#[tokio::test(flavor = "multi_thread")]
async fn the_record_is_measured() {
    let ground = Ground::new().await;
    let id = ground.launch("birds.fedi.localhost").await;
    *ground.cluster.refusal.lock().unwrap() = Some("spec.placement: too long".to_owned());
    ground.sync(id).await;
    ground.clock.advance(TimeDelta::seconds(90));
    let told = async || metrics::text(&ground.worker.app).await;
    let text = told().await;
    for line in [
        "howdah_worker_record_up 1",
        r#"howdah_worker_jobs{job="sync_instance",state="waiting"} 1"#,
        r#"howdah_worker_operations{kind="create",state="running"} 1"#,
        r#"howdah_worker_operations_held_up{kind="create"} 1"#,
        r#"howdah_worker_operation_oldest_seconds{kind="create",state="running"} 90"#,
        "howdah_worker_outbox_mails 0",
        r#"howdah_worker_cluster_unreachable_seconds{cluster="real"} 0"#,
        "# EOF",
    ] {
        assert!(text.lines().any(|it| it == line), "{line} is not in\n{text}");
    }

    *ground.cluster.refusal.lock().unwrap() = None;
    *ground.mailer.refuses.lock().unwrap() = true;
    *ground.outside.answers.lock().unwrap() = true;
    ground.outside.lead("birds.fedi.localhost", crate::ground::INGRESS);
    ground.settle(id).await;
    ground.clock.advance(TimeDelta::seconds(30));
    let text = told().await;
    assert!(!text.contains("howdah_worker_operations{"), "{text}");
    for line in [
        "howdah_worker_outbox_mails 1",
        "howdah_worker_outbox_oldest_seconds 30",
        r#"howdah_worker_observation_age_seconds{cluster="real"} 30"#,
        "howdah_worker_probe_oldest_seconds 30",
    ] {
        assert!(text.lines().any(|it| it == line), "{line} is not in\n{text}");
    }
    assert!(text.contains(r#"howdah_worker_probes{leads_here="yes""#), "{text}");
    assert!(!text.contains("birds.fedi.localhost"), "counts, never names");
}

/// An API server without a single server in it, as long as it answers. Nothing ever happens on a watch.
#[derive(Clone, Default)]
struct EmptyCluster {
    is_away: Arc<AtomicBool>,
    lists: Arc<AtomicUsize>,
}

impl EmptyCluster {
    fn client(&self) -> Client {
        let this = self.clone();
        let answer = move |request: Request<Body>| {
            let (this, is_watch) = (this.clone(), request.uri().query().is_some_and(|it| it.contains("watch=")));
            async move { Ok::<_, std::convert::Infallible>(this.answer(is_watch).await) }
        };
        Client::new(tower::service_fn(answer), "default")
    }

    async fn answer(&self, is_watch: bool) -> Response<Body> {
        if is_watch {
            return std::future::pending().await;
        }
        let is_away = self.is_away.load(Ordering::SeqCst);
        self.lists.fetch_add(1, Ordering::SeqCst);
        if is_away {
            let mut away = Response::new(Body::from(b"away".to_vec()));
            *away.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
            return away;
        }
        let list = serde_json::json!({
            "apiVersion": "howdah.dev/v1alpha1", "kind": "MastodonInstanceList", "metadata": {"resourceVersion": "1"}, "items": [],
        });
        Response::new(Body::from(list.to_string().into_bytes()))
    }

    async fn is_asked_again(&self) {
        let before = self.lists.load(Ordering::SeqCst);
        wait_for("some more questions", Duration::from_secs(30), async || (self.lists.load(Ordering::SeqCst) > before + 2).then_some(()))
            .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cluster_that_was_emptied_is_fresh_while_it_is_watched_and_only_then() {
    let settings = WorkerSettings { tick: Duration::from_millis(20), ..WorkerSettings::default() };
    let ground = Ground::with(settings, true).await;
    let id = ground.launch("birds.fedi.localhost").await;
    ground.settle(id).await;
    let age = async || {
        let text = metrics::text(&ground.worker.app).await;
        let line = text.lines().find_map(|it| it.strip_prefix(r#"howdah_worker_observation_age_seconds{cluster="real"} "#));
        line.expect("an age").parse::<i64>().unwrap()
    };
    let cluster = EmptyCluster::default();
    let watched = [("real".to_owned(), cluster.client())];
    let test = async {
        for _ in 0..2 {
            ground.clock.advance(TimeDelta::hours(3));
            wait_for("an age of nothing", Duration::from_secs(30), async || (age().await == 0).then_some(())).await;
        }
        cluster.is_away.store(true, Ordering::SeqCst);
        cluster.is_asked_again().await;
        ground.clock.advance(TimeDelta::hours(3));
        cluster.is_asked_again().await;
        assert_eq!(age().await, 3 * 3600, "nobody can see it");
    };
    tokio::select! {
        () = observer::observe_all(&ground.worker, &watched, std::future::pending().boxed().shared()) => panic!("it never ends"),
        () = test => {}
    }
}
