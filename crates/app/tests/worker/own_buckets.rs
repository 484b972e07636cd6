//! Exports to a bucket of the customer's: tried out before, its keys sent down, and forgotten once the run has ended.

use howdah_app::exports::{self, ExportRequest};
use howdah_app::{BucketRequest, Error, Page};
use howdah_bundle::outside::{Step, Trouble};
use howdah_crd::{ExportDestination, secrets};
use howdah_db::models::export_bucket::ExportBucket;
use howdah_domain::{ExportId, OperationState};
use secrecy::ExposeSecret;

use crate::exports::whole;
use crate::ground::Ground;

const DOMAIN: &str = "birds.fedi.localhost";
const KEY: &str = "age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p";
const SECRET: &str = "s3cr3t-that-nobody-sees";

fn asked() -> ExportRequest {
    let bucket = BucketRequest {
        endpoint: "https://s3.example.com".to_owned(),
        region: "eu-central-1".to_owned(),
        bucket: "mine".to_owned(),
        prefix: "backups/birds".to_owned(),
        virtual_hosted: true,
        access_key_id: "AKIA".to_owned(),
        secret_access_key: SECRET.into(),
    };
    ExportRequest { recipients: vec![KEY.to_owned()], bucket: Some(bucket), ..ExportRequest::default() }
}

async fn keys(ground: &Ground, export: ExportId) -> Option<String> {
    let row = ExportBucket::by_export(&mut *ground.conn().await, export.as_uuid()).await.unwrap().unwrap();
    let keys = row.keys(&ground.worker.app.keys).unwrap()?;
    Some(String::from_utf8(keys.expose_secret().to_vec()).unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_goes_there_and_its_keys_are_forgotten() {
    let ground = Ground::new().await;
    let id = ground.running(DOMAIN).await;
    let begun = ground.begin_export_as(id, &asked()).await.unwrap();
    let tried = ground.own_buckets.tried();
    assert!(tried.len() == 1 && tried[0].starts_with("mine/backups/birds/howdah-test-"), "{tried:?}");
    assert!(keys(&ground, begun.export).await.unwrap().contains(SECRET));

    ground.sync_export(begun.export).await;
    let name = begun.export.resource_name();
    let sent = ground.cluster.exports().remove(0);
    let ExportDestination::Bucket { endpoint, region, bucket, prefix, virtual_hosted, secret_ref } = &sent.spec.destination else {
        panic!("{:?}", sent.spec.destination)
    };
    assert_eq!((endpoint.as_str(), region.as_str(), *virtual_hosted), ("https://s3.example.com", "eu-central-1", true));
    assert_eq!((bucket.as_str(), prefix.as_str(), &secret_ref.name), ("mine", "backups/birds", &name));
    assert!(!serde_json::to_string(&sent).unwrap().contains(SECRET));
    assert_eq!(ground.cluster.secret(&name).unwrap()[secrets::bucket::SECRET_ACCESS_KEY], SECRET);

    ground.told(whole()).await;
    ground.sync_export(begun.export).await;
    assert!(!ground.cluster.secrets().contains(&name));
    assert_eq!(keys(&ground, begun.export).await, None);
    let seen = ground.export(begun.export).await;
    let place = seen.bucket.unwrap();
    assert_eq!((seen.state, seen.kept_until, seen.destination.as_str()), (OperationState::Succeeded, None, "bucket"));
    assert_eq!((place.bucket.as_str(), place.prefix), ("mine", format!("backups/birds/{}", begun.export)));
    let links = exports::links(&ground.worker.app, &ground.operator, begun.export).await.err().unwrap();
    assert_eq!(links.reason(), "elsewhere");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_is_cancelled_or_refused_leaves_no_keys() {
    let ground = Ground::new().await;
    let id = ground.running(DOMAIN).await;
    let cancelled = ground.begin_export_as(id, &asked()).await.unwrap();
    ground.sync_export(cancelled.export).await;
    exports::cancel(&ground.worker.app, &ground.operator, cancelled.export, None).await.unwrap();
    ground.sync_export(cancelled.export).await;
    *ground.cluster.refusal.lock().unwrap() = Some("no".to_owned());
    let refused = ground.begin_export_as(id, &asked()).await.unwrap();
    ground.sync_export(refused.export).await;
    *ground.cluster.refusal.lock().unwrap() = None;
    assert_eq!(ground.export(refused.export).await.state, OperationState::Failed);
    ground.sync_export(refused.export).await;
    for export in [cancelled.export, refused.export] {
        assert_eq!(keys(&ground, export).await, None);
        assert!(!ground.cluster.secrets().contains(&export.resource_name()));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_begins_where_a_test_file_can_not_be_written() {
    let ground = Ground::new().await;
    let id = ground.running(DOMAIN).await;
    for (trouble, field, reason) in [
        (Trouble::Name, "bucket.endpoint", "unknown_name"),
        (Trouble::Tls, "bucket.endpoint", "tls"),
        (Trouble::Keys, "bucket.access_key_id", "wrong_keys"),
        (Trouble::Rights(Step::Delete), "bucket.access_key_id", "no_rights"),
        (Trouble::Bucket, "bucket.bucket", "no_bucket"),
        (Trouble::Region, "bucket.region", "wrong_region"),
    ] {
        ground.own_buckets.fail(Some(trouble.clone()));
        let Err(Error::Invalid { fields }) = ground.begin_export_as(id, &asked()).await else { panic!("{trouble:?}") };
        assert_eq!((fields[0].field, fields[0].reason), (field, reason));
        assert!(fields[0].sentence.contains(&trouble.to_string()) && !fields[0].sentence.contains(SECRET), "{}", fields[0].sentence);
    }
    let all = exports::list(&ground.worker.app, &ground.operator, id, Page { before: None, limit: 5 }).await.unwrap();
    assert_eq!(all, []);
}
