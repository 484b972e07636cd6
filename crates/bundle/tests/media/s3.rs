//! A bucket's listing, objects and their headers.

use std::time::Duration;

use bytes::Bytes;
use futures::{StreamExt, TryStreamExt, stream};
use howdah_bundle::{
    format::Sha256Hex,
    media::{Attributes, Body, Digest, Entry, Kind, MediaError, Store, StoreSettings, WhySkipped},
    s3::{BucketSettings, S3Settings},
};

use crate::{
    bucket::{Bucket, Fault, etag},
    disk::key,
};

const AVATAR: &str = "accounts/avatars/000/000/001/original/a.png";

async fn listed(store: &Store, prefix: &str) -> Result<Vec<Entry>, MediaError> {
    store.list(prefix).try_collect().await
}

fn names(entries: &[Entry]) -> Vec<&str> {
    entries
        .iter()
        .map(|it| match it {
            Entry::File(file) => file.key.as_str(),
            Entry::Skipped(it) => it.name.as_str(),
        })
        .collect()
}

fn with(bucket: &Bucket, change: impl FnOnce(&mut BucketSettings)) -> Store {
    let mut settings = bucket.settings();
    change(&mut settings);
    Store::open_up(StoreSettings::S3(Box::new(settings))).unwrap()
}

#[tokio::test]
async fn a_listing_goes_through_all_its_pages_and_asks_nothing_else() {
    let bucket = Bucket::start().await;
    bucket.state().page = 7;
    for number in 0..50 {
        bucket.put(&format!("accounts/avatars/000/000/0{number:02}/original/a b+é&.png"), vec![b'x'; number]);
    }
    bucket.put("accounts/headers/000/000/001/original/a.png", "x");
    for raw in [false, true] {
        bucket.state().raw_keys = raw;
        let entries = listed(&bucket.store(), "accounts/avatars/").await.unwrap();
        assert_eq!(entries.len(), 50);
        let Entry::File(last) = &entries[49] else { panic!("{:?}", entries[49]) };
        assert_eq!(last.key.as_str(), "accounts/avatars/000/000/049/original/a b+é&.png");
        assert_eq!((last.bytes, last.etag.clone()), (49, Some(etag(&[b'x'; 49]))));
        assert_eq!(last.modified.map(|it| it.to_rfc3339()), Some("2026-08-01T10:00:00+00:00".to_owned()));
    }
    assert_eq!(bucket.asked(), ["LIST accounts/avatars/"; 16]);
}

#[tokio::test]
async fn keys_that_are_no_paths_end_no_listing() {
    let bucket = Bucket::start().await;
    for odd in ["accounts/avatars//x", "accounts/avatars/../y", "accounts/avatars/a\nb", "accounts/avatars/a\\b", AVATAR] {
        bucket.put(odd, "1");
    }
    bucket.put("accounts/avatars/000/", "");
    let entries = listed(&bucket.store(), "accounts/avatars/").await.unwrap();
    let skipped = entries.iter().filter(|it| matches!(it, Entry::Skipped(it) if matches!(it.why, WhySkipped::Name(_)))).count();
    assert_eq!((entries.len(), skipped), (5, 4), "{entries:?}");
    assert!(names(&entries).contains(&AVATAR));
}

#[tokio::test]
async fn keys_stand_below_their_prefix() {
    let bucket = Bucket::start().await;
    bucket.put(&format!("here/to day/{AVATAR}"), "1");
    bucket.put(AVATAR, "another's");
    for prefix in ["here/to day", "/here/to day/"] {
        let store = with(&bucket, |it| it.key_prefix = prefix.to_owned());
        assert_eq!(names(&listed(&store, "accounts/avatars/").await.unwrap()), [AVATAR]);
        assert_eq!(store.open(&key(AVATAR)).await.unwrap().bytes, 1);
    }
}

#[tokio::test]
async fn a_listing_that_can_not_be_trusted_is_none() {
    let bucket = Bucket::start().await;
    let page = |rest: &str| format!("<ListBucketResult><IsTruncated>true</IsTruncated>{rest}</ListBucketResult>");
    for answer in [
        page(""),
        page("<NextContinuationToken>round</NextContinuationToken>"),
        "<html>welcome to our hotel</html>".to_owned(),
        "<ListBucketResult><Contents><Key>accounts/avatars/x</Key><Size>-1</Size></Contents></ListBucketResult>".to_owned(),
        "<ListBucketResult><Contents><Key>acc".to_owned(),
    ] {
        let told = answer.clone();
        bucket.fail(move |_| Some(Fault::Listing(told.clone())));
        let outcome = listed(&bucket.store(), "accounts/avatars/").await;
        assert!(matches!(outcome, Err(MediaError::Answer { .. })), "{answer} was believed: {outcome:?}");
    }
}

#[tokio::test]
async fn a_page_is_asked_for_again_when_the_store_has_a_bad_moment() {
    let bucket = Bucket::start().await;
    bucket.put(AVATAR, "1");
    let mut faults = vec![Fault::HangUp, Fault::Status(503, "SlowDown", vec![("retry-after", "0".to_owned())]), Fault::BreakAfter(20)];
    bucket.fail(move |_| faults.pop());
    assert_eq!(names(&listed(&bucket.store(), "accounts/avatars/").await.unwrap()), [AVATAR]);
    bucket.fail(|_| Some(Fault::Status(403, "InvalidAccessKeyId", vec![])));
    assert_eq!(listed(&bucket.store(), "accounts/avatars/").await.unwrap_err().kind(), Kind::Fatal);
}

#[tokio::test]
async fn one_get_tells_all_there_is_to_know() {
    let bucket = Bucket::start().await;
    bucket.put(AVATAR, "12345");
    let headers = [("content-type", "image/png"), ("cache-control", "public, max-age=315576000, immutable")];
    let headers = headers.map(|(name, value)| (name.to_owned(), value.to_owned()));
    bucket.state().objects.get_mut(AVATAR).unwrap().headers = headers.into();
    let backup = "backups/dumps/000/000/001/original/archive.zip";
    bucket.put(backup, "1");
    let store = with(&bucket, |it| it.acl = Some("public-read".to_owned()));
    let opened = store.open(&key(AVATAR)).await.unwrap();
    let (content_type, cache_control) = (Some("image/png".to_owned()), Some("public, max-age=315576000, immutable".to_owned()));
    assert_eq!(opened.attributes, Attributes { content_type, cache_control, acl: Some("public-read".to_owned()) });
    assert_eq!((opened.bytes, opened.etag), (5, Some(etag(b"12345"))));
    assert_eq!(opened.modified.map(|it| it.timestamp()), Some(1_785_578_400));
    assert_eq!(opened.stream.try_collect::<Vec<_>>().await.unwrap().concat(), b"12345");
    assert_eq!(store.open(&key(backup)).await.unwrap().attributes.acl.as_deref(), Some("private"), "an archive is nobody else's");
    assert_eq!(bucket.asked(), [format!("GET {AVATAR}"), format!("GET {backup}")]);
}

#[tokio::test]
async fn an_object_is_put_with_its_headers_and_its_digest() {
    let bucket = Bucket::start().await;
    let store = with(&bucket, |it| it.acl = Some("public-read".to_owned()));
    let attributes = Attributes { content_type: Some("image/x".to_owned()), cache_control: Some("no-store".to_owned()), acl: None };
    let content = Bytes::from_static(b"12345");
    let digest = Sha256Hex::of(&content);
    store.put(&key(AVATAR), &attributes, Digest::Expected(digest), Body::Whole(content.clone())).await.unwrap();
    let put = |name: &str| bucket.state().objects[name].clone();
    let header = |name: &str, header: &str| put(name).headers.get(header).cloned();
    assert_eq!(put(AVATAR).content, b"12345");
    assert_eq!(header(AVATAR, "content-type").as_deref(), Some("image/x"));
    assert_eq!(header(AVATAR, "cache-control").as_deref(), Some("no-store"));
    assert_eq!(header(AVATAR, "x-amz-acl").as_deref(), Some("public-read"));
    let told = bucket.state().asked[0].headers["x-amz-content-sha256"].clone();
    assert_eq!(told, digest.to_string(), "the store checks it too");

    // From a disk, and what was private stays so wherever it goes.
    let (film, backup) = ("media_attachments/files/000/000/001/original/b.MP4", "backups/dumps/000/000/001/original/a.zip");
    store.put(&key(film), &Attributes::default(), Digest::Computed(digest), Body::Whole(content.clone())).await.unwrap();
    store.put(&key(backup), &Attributes::default(), Digest::Unknown, Body::Whole(content.clone())).await.unwrap();
    let private = Attributes { acl: Some("private".to_owned()), ..Attributes::default() };
    store.put(&key(AVATAR), &private, Digest::Unknown, Body::Whole(content.clone())).await.unwrap();
    assert_eq!(header(film, "content-type").as_deref(), Some("video/mp4"));
    assert_eq!(header(film, "cache-control").as_deref(), Some("public, max-age=315576000, immutable"));
    assert_eq!(header(backup, "x-amz-acl").as_deref(), Some("private"));
    assert_eq!(header(AVATAR, "x-amz-acl").as_deref(), Some("private"));
    bucket.store().put(&key(film), &private, Digest::Unknown, Body::Whole(content)).await.unwrap();
    assert_eq!(header(film, "x-amz-acl"), None, "a store without ACLs is asked for none");
}

#[tokio::test]
async fn a_stream_that_is_not_what_was_told_leaves_nothing() {
    let bucket = Bucket::start().await;
    let store = bucket.store();
    let body = |bytes| Body::Stream { bytes, stream: stream::iter(["123", "45"]).map(|it| Ok(Bytes::from_static(it.as_bytes()))).boxed() };
    let (avatar, none) = (key(AVATAR), Attributes::default());
    let put = |digest, body| store.put(&avatar, &none, digest, body);
    let other = Digest::Expected(Sha256Hex::of(b"other"));
    assert!(matches!(put(Digest::Unknown, body(6)).await, Err(MediaError::Length { expected: 6, found: 5, .. })));
    assert!(matches!(put(Digest::Unknown, body(4)).await, Err(MediaError::Length { expected: 4, found: 5, .. })));
    assert!(matches!(put(other, body(5)).await, Err(MediaError::Digest { .. })));
    assert!(matches!(put(other, Body::Whole(Bytes::from_static(b"12345"))).await, Err(MediaError::Digest { .. })));
    assert!(bucket.state().objects.is_empty());
    let facts = put(Digest::Expected(Sha256Hex::of(b"12345")), body(5)).await.unwrap();
    assert_eq!((facts.bytes, facts.sha256), (5, Sha256Hex::of(b"12345")));
    assert_eq!(bucket.state().objects[AVATAR].content, b"12345");
}

#[tokio::test]
async fn an_answer_says_what_kind_of_trouble_it_is() {
    let bucket = Bucket::start().await;
    bucket.put(AVATAR, "1");
    let store = bucket.store();
    let date = || ("date", "Sat, 01 Aug 2026 10:00:00 GMT".to_owned());
    for (status, code, headers, kind, wait) in [
        (404, "NoSuchKey", vec![], Kind::Gone, None),
        (404, "NoSuchBucket", vec![], Kind::Fatal, None),
        (403, "AccessDenied", vec![], Kind::Final, None),
        (403, "SignatureDoesNotMatch", vec![], Kind::Fatal, None),
        (500, "InternalError", vec![], Kind::Passing, None),
        (503, "SlowDown", vec![("retry-after", "3".to_owned())], Kind::Throttled, Some(3)),
        (429, "", vec![date(), ("retry-after", "Sat, 01 Aug 2026 10:01:00 GMT".to_owned())], Kind::Throttled, Some(60)),
        (301, "PermanentRedirect", vec![("location", "http://169.254.169.254/".to_owned())], Kind::Final, None),
    ] {
        bucket.fail(move |_| Some(Fault::Status(status, code, headers.clone())));
        let Err(error) = store.open(&key(AVATAR)).await else { panic!("{status} {code} is an error") };
        assert_eq!((error.kind(), error.retry_after()), (kind, wait.map(Duration::from_secs)), "{error}");
        assert!(error.to_string().contains(AVATAR) && error.to_string().contains(&status.to_string()), "{error}");
    }
}

#[test]
fn settings_that_can_lead_elsewhere_are_refused() {
    let settings = |change: fn(&mut BucketSettings)| {
        let service = S3Settings {
            endpoint: Some("https://store.example/".parse().unwrap()),
            region: "r".to_owned(),
            access_key_id: "k".to_owned(),
            secret_access_key: "s".into(),
            session_token: None,
            path_style: true,
            ca: None,
        };
        let mut settings = BucketSettings { service, bucket: "b".to_owned(), key_prefix: String::new(), acl: None };
        change(&mut settings);
        Store::open_up(StoreSettings::S3(Box::new(settings)))
    };
    settings(|_| {}).unwrap();
    let wrong: [fn(&mut BucketSettings); 6] = [
        |it| it.bucket = "../other".to_owned(),
        |it| it.bucket = String::new(),
        |it| it.bucket = "b/c?d".to_owned(),
        |it| it.key_prefix = "a/../../b".to_owned(),
        |it| it.service.endpoint = Some("file:///etc".parse().unwrap()),
        |it| it.service.ca = Some(b"-----BEGIN CERTIFICATE-----\nno\n-----END CERTIFICATE-----\n".to_vec()),
    ];
    for change in wrong {
        settings(change).unwrap_err();
    }
}
