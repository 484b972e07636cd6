//! What Prometheus is told.

use chrono::TimeDelta;
use howdah_app::metrics;

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
