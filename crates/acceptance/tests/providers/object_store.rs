//! Tenants' buckets and S3 users on the stack's object store.

use howdah_acceptance::Stack;
use howdah_acceptance::s3::Somebody;
use howdah_operator::provider::{ObjectStore, ObjectStoreSettings, PrefixPlace, S3Keys};
use reqwest::Method;
use secrecy::{ExposeSecret, SecretString};

use crate::parts::{new_id, store};

const OPEN: [&str; 7] = [
    "accounts/avatars/000/000/001/original/a.png",
    "media_attachments/files/1/original/a.png",
    "custom_emojis/images/a.png",
    "site_uploads/files/a.png",
    "preview_cards/images/a.png",
    "preview_card_providers/icons/a.png",
    "cache/accounts/avatars/a.png",
];
const CLOSED: [&str; 4] = ["backups/dumps/1/original/archive.zip", "imports/data/1/original/follows.csv", "accounts", "other/x"];

fn tenant(stack: &Stack, keys: &S3Keys) -> Somebody {
    Somebody::new(&stack.s3, Some((&keys.access_key, keys.secret_key.expose_secret()))).unwrap()
}

fn admin(stack: &Stack) -> Somebody {
    Somebody::new(&stack.s3, Some((&stack.s3.access_key, &stack.s3.secret_key))).unwrap()
}

async fn is_there(stack: &Stack, name: &str) -> (bool, bool) {
    let admin = admin(stack);
    let bucket = admin.s3(Method::HEAD, &format!("/{name}"), &[], "").await.unwrap();
    let user = admin.iam(&format!("Action=GetUser&UserName={name}")).await.unwrap();
    (bucket.status == 200, user.status == 200)
}

#[tokio::test]
async fn made_once_kept_and_destroyed() {
    let stack = Stack::attach().unwrap();
    let store = store(&stack);
    let id = new_id();
    let name = id.resource_name().to_string();
    store.destroy(id).await.unwrap();
    let keys = store.ensure(id, None).await.unwrap();
    let own = tenant(&stack, &keys);
    for key in OPEN.iter().chain(&CLOSED) {
        let path = format!("/{name}/{key}");
        let put = own.s3(Method::PUT, &path, &[("x-amz-acl", "public-read")], "hello").await.unwrap();
        assert_eq!(put.status, 200, "{key}: {put:?}");
        assert_eq!(own.s3(Method::GET, &path, &[], "").await.unwrap().body, "hello");
    }
    assert_eq!(own.s3(Method::GET, &format!("/{name}?list-type=2"), &[], "").await.unwrap().status, 200);
    assert_eq!(own.s3(Method::DELETE, &format!("/{name}/other/x"), &[], "").await.unwrap().status, 204);
    assert_eq!(own.s3(Method::POST, &format!("/{name}/media_attachments/big?uploads="), &[], "").await.unwrap().status, 200);

    let kept = store.ensure(id, Some(&keys)).await.unwrap();
    assert_eq!(kept.access_key, keys.access_key, "keys that work stay");
    let own_more = own.iam(&format!("Action=CreateAccessKey&UserName={name}")).await.unwrap();
    let kept = store.ensure(id, Some(&keys)).await.unwrap();
    assert_eq!(kept.access_key, keys.access_key);
    let listed = admin(&stack).iam(&format!("Action=ListAccessKeys&UserName={name}")).await.unwrap().body;
    assert_eq!(listed.matches("<AccessKeyId>").count(), 1, "no key but the Secret's ({}): {listed}", own_more.status);

    let wrong = S3Keys { secret_key: SecretString::from("x".repeat(40)), ..keys.clone() };
    let renewed = store.ensure(id, Some(&wrong)).await.unwrap();
    assert_ne!(renewed.access_key, keys.access_key);
    let old = own.s3(Method::GET, &format!("/{name}?list-type=2"), &[], "").await.unwrap();
    assert!(old.is_refusal(), "the old keys are gone: {old:?}");
    let unknown = S3Keys { access_key: "AKIAUNKNOWNUNKNOWN00".to_owned(), ..keys };
    assert_ne!(store.ensure(id, Some(&unknown)).await.unwrap().access_key, renewed.access_key);
    assert_eq!(is_there(&stack, &name).await, (true, true));

    store.destroy(id).await.unwrap();
    assert_eq!(is_there(&stack, &name).await, (false, false));
    store.destroy(id).await.unwrap();
}

#[tokio::test]
async fn destroyed_with_versions_markers_and_open_uploads() {
    let stack = Stack::attach().unwrap();
    let store = store(&stack);
    let id = new_id();
    let name = id.resource_name().to_string();
    let keys = store.ensure(id, None).await.unwrap();
    let (own, admin) = (tenant(&stack, &keys), admin(&stack));
    let versioning = "<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>";
    assert_eq!(admin.s3(Method::PUT, &format!("/{name}?versioning="), &[], versioning).await.unwrap().status, 200);
    for version in ["one", "two", "three"] {
        for key in ["cache/a%26b%3Cc%3E", "accounts/%C3%BC/%20%2B", "accounts/x"] {
            assert_eq!(own.s3(Method::PUT, &format!("/{name}/{key}"), &[], version).await.unwrap().status, 200);
        }
    }
    own.s3(Method::DELETE, &format!("/{name}/accounts/x"), &[], "").await.unwrap();
    for _ in 0..2 {
        assert_eq!(own.s3(Method::POST, &format!("/{name}/media_attachments/big?uploads="), &[], "").await.unwrap().status, 200);
    }
    store.destroy(id).await.unwrap();
    assert_eq!(is_there(&stack, &name).await, (false, false));
    // The same name again holds nothing of before.
    let keys = store.ensure(id, None).await.unwrap();
    let listed = tenant(&stack, &keys).s3(Method::GET, &format!("/{name}?list-type=2"), &[], "").await.unwrap();
    assert!(!listed.body.contains("<Key>"), "{listed:?}");
    store.destroy(id).await.unwrap();
}

#[tokio::test]
async fn a_tenants_keys_against_another_tenants_bucket() {
    let stack = Stack::attach().unwrap();
    let store = store(&stack);
    let (a, b) = (new_id(), new_id());
    let (name_a, name_b) = (a.resource_name().to_string(), b.resource_name().to_string());
    let (keys_a, keys_b) = (store.ensure(a, None).await.unwrap(), store.ensure(b, None).await.unwrap());
    let (own, other, nobody) = (tenant(&stack, &keys_a), tenant(&stack, &keys_b), Somebody::new(&stack.s3, None).unwrap());
    for key in OPEN.iter().chain(&CLOSED) {
        assert_eq!(other.s3(Method::PUT, &format!("/{name_b}/{key}"), &[], "of B").await.unwrap().status, 200);
    }
    for who in [&own, &nobody] {
        for (key, expected) in OPEN.iter().map(|key| (key, 200)).chain(CLOSED.iter().map(|key| (key, 403))) {
            for method in [Method::GET, Method::HEAD] {
                let answer = who.s3(method, &format!("/{name_b}/{key}"), &[], "").await.unwrap();
                assert_eq!(answer.status, expected, "{key}: {answer:?}");
            }
        }
        refuse_everything_else(who, &name_b).await;
    }
    let copied = ("x-amz-copy-source", &*format!("/{name_b}/{}", CLOSED[0]));
    let copy = own.s3(Method::PUT, &format!("/{name_a}/accounts/stolen"), &[copied], "").await.unwrap();
    assert!(copy.is_refusal(), "{copy:?}");
    for form in [
        format!("Action=CreateAccessKey&UserName={name_b}"),
        format!(
            "Action=PutUserPolicy&UserName={name_a}&PolicyName=more&PolicyDocument=%7B%22Version%22%3A%222012-10-17%22%2C%22Statement%22%3A%5B%7B%22Effect%22%3A%22Allow%22%2C%22Action%22%3A%22s3%3A%2A%22%2C%22Resource%22%3A%22%2A%22%7D%5D%7D"
        ),
        format!("Action=DeleteUser&UserName={name_b}"),
        format!("Action=DeleteAccessKey&UserName={name_b}&AccessKeyId={}", keys_b.access_key),
        "Action=CreateUser&UserName=more".to_owned(),
        "Action=ListUsers".to_owned(),
    ] {
        let answer = own.iam(&form).await.unwrap();
        assert!(answer.is_refusal(), "{form}: {answer:?}");
    }
    let buckets = own.s3(Method::GET, "/", &[], "").await.unwrap();
    assert!(!buckets.body.contains(&name_b), "{buckets:?}");
    for key in OPEN.iter().chain(&CLOSED) {
        assert_eq!(other.s3(Method::GET, &format!("/{name_b}/{key}"), &[], "").await.unwrap().body, "of B", "{key} is untouched");
    }
    store.destroy(a).await.unwrap();
    store.destroy(b).await.unwrap();
}

async fn refuse_everything_else(who: &Somebody, bucket: &str) {
    let open = format!("/{bucket}/{}", OPEN[0]);
    let policy = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"s3:*","Resource":"*"}]}"#;
    let delete = format!("<Delete><Object><Key>{}</Key></Object><Object><Key>{}</Key></Object></Delete>", OPEN[0], CLOSED[0]);
    for (method, path, body) in [
        (Method::PUT, open.clone(), "of A"),
        (Method::DELETE, open.clone(), ""),
        (Method::POST, format!("{open}?uploads="), ""),
        (Method::PUT, format!("{open}?acl="), ""),
        (Method::PUT, format!("{open}?tagging="), "<Tagging><TagSet></TagSet></Tagging>"),
        (Method::GET, format!("/{bucket}"), ""),
        (Method::GET, format!("/{bucket}?list-type=2"), ""),
        (Method::GET, format!("/{bucket}?list-type=2&prefix=accounts%2F"), ""),
        (Method::GET, format!("/{bucket}?versions="), ""),
        (Method::GET, format!("/{bucket}?uploads="), ""),
        (Method::GET, format!("/{bucket}?policy="), ""),
        (Method::PUT, format!("/{bucket}?policy="), policy),
        (Method::DELETE, format!("/{bucket}?policy="), ""),
        (Method::PUT, format!("/{bucket}?versioning="), "<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>"),
        (Method::DELETE, format!("/{bucket}"), ""),
    ] {
        let answer = who.s3(method.clone(), &path, &[], body).await.unwrap();
        assert!(answer.is_refusal(), "{method} {path}: {answer:?}");
    }
    // The store may answer object by object.
    let answer = who.s3(Method::POST, &format!("/{bucket}?delete="), &[], &delete).await.unwrap();
    assert!(answer.is_refusal() || !answer.body.contains("<Deleted>"), "{answer:?}");
}

#[tokio::test]
async fn a_store_that_is_away_and_one_that_says_no() {
    let stack = Stack::attach().unwrap();
    let with = |endpoint: &str, secret: &str| {
        ObjectStore::new(ObjectStoreSettings {
            endpoint: endpoint.to_owned(),
            region: stack.s3.region.clone(),
            access_key: stack.s3.access_key.clone(),
            secret_key: SecretString::from(secret.to_owned()),
        })
        .unwrap()
    };
    let away = with("http://127.0.0.1:1", "s").ensure(new_id(), None).await.unwrap_err();
    assert!(away.is_unavailable(), "{away:?}");
    let refused = with(&stack.s3.endpoint, "wrong").ensure(new_id(), None).await.unwrap_err();
    assert!(!refused.is_unavailable(), "{refused:?}");
    assert!(!with(&stack.s3.endpoint, "wrong").destroy(new_id()).await.unwrap_err().is_unavailable());
}

/// As long as an export runs: all that its bundle takes, and nothing of another's.
#[tokio::test]
async fn an_exports_user_reaches_its_prefix_alone() {
    let stack = Stack::attach().unwrap();
    let store = store(&stack);
    let (server, user) = (new_id(), format!("mx-{}", new_id().resource_name()));
    let (bucket, prefix, earlier) = ("howdah-bundles", format!("{server}/one"), format!("{server}/earlier"));
    let admin = admin(&stack);
    for other in [format!("{earlier}/x"), format!("{server}/one-more/x"), format!("{server}/x")] {
        assert_eq!(admin.s3(Method::PUT, &format!("/{bucket}/{other}"), &[], "not yours").await.unwrap().status, 200);
    }
    let place = PrefixPlace { bucket: bucket.to_owned(), prefix: prefix.clone(), earlier: Some(earlier.clone()) };
    let keys = store.ensure_writer(&user, &place, None).await.unwrap();
    assert_eq!(store.ensure_writer(&user, &place, Some(&keys)).await.unwrap().access_key, keys.access_key, "keys that work stay");
    let own = tenant(&stack, &keys);
    let at = |key: &str| format!("/{bucket}/{key}");
    for (method, path, wanted) in [
        (Method::PUT, at(&format!("{prefix}/x")), 200),
        (Method::GET, at(&format!("{prefix}/x")), 200),
        (Method::HEAD, at(&format!("{prefix}/none")), 404),
        (Method::GET, format!("/{bucket}?list-type=2&prefix={server}%2Fone%2F"), 200),
        (Method::POST, at(&format!("{prefix}/big?uploads=")), 200),
        (Method::DELETE, at(&format!("{prefix}/x")), 204),
        (Method::GET, at(&format!("{earlier}/x")), 200),
        (Method::GET, format!("/{bucket}?list-type=2&prefix={server}%2Fearlier%2F"), 200),
    ] {
        let answer = own.s3(method.clone(), &path, &[], "").await.unwrap();
        assert_eq!(answer.status, wanted, "{method} {path}: {answer:?}");
    }
    for (method, path) in [
        (Method::PUT, at(&format!("{earlier}/x"))),
        (Method::DELETE, at(&format!("{earlier}/x"))),
        (Method::GET, at(&format!("{server}/one-more/x"))),
        (Method::PUT, at(&format!("{server}/one-more/y"))),
        (Method::GET, at(&format!("{server}/x"))),
        (Method::GET, format!("/{bucket}?list-type=2")),
        (Method::GET, format!("/{bucket}?list-type=2&prefix={server}%2F")),
        (Method::DELETE, format!("/{bucket}")),
    ] {
        let answer = own.s3(method.clone(), &path, &[], "").await.unwrap();
        assert!(answer.is_refusal(), "{method} {path}: {answer:?}");
    }
    store.remove_limited(&user).await.unwrap();
    assert!(own.s3(Method::GET, &at(&format!("{earlier}/x")), &[], "").await.unwrap().is_refusal());
    assert!(!is_there(&stack, &user).await.1);
    store.remove_limited(&user).await.unwrap();
}

/// As long as a server is loaded from a bundle: it is read, and nothing else.
#[tokio::test]
async fn who_loads_a_bundle_reads_it_alone() {
    let stack = Stack::attach().unwrap();
    let store = store(&stack);
    let (import, user) = (new_id(), format!("{}-reader", new_id().resource_name()));
    let (bucket, prefix) = ("howdah-bundles", format!("imports/{import}"));
    let admin = admin(&stack);
    let at = |key: &str| format!("/{bucket}/{key}");
    for key in [format!("{prefix}/x"), format!("{prefix}-more/x"), format!("imports/{}/x", new_id())] {
        assert_eq!(admin.s3(Method::PUT, &at(&key), &[], "a bundle").await.unwrap().status, 200);
    }
    let keys = store.ensure_reader(&user, bucket, &prefix, None).await.unwrap();
    assert_eq!(store.ensure_reader(&user, bucket, &prefix, Some(&keys)).await.unwrap().access_key, keys.access_key, "keys that work stay");
    let own = tenant(&stack, &keys);
    let listing = |prefix: &str| format!("/{bucket}?list-type=2&prefix={}", prefix.replace('/', "%2F"));
    for (method, path, wanted) in [
        (Method::GET, at(&format!("{prefix}/x")), 200),
        (Method::HEAD, at(&format!("{prefix}/none")), 404),
        (Method::GET, listing(&format!("{prefix}/")), 200),
    ] {
        let answer = own.s3(method.clone(), &path, &[], "").await.unwrap();
        assert_eq!(answer.status, wanted, "{method} {path}: {answer:?}");
    }
    for (method, path) in [
        (Method::PUT, at(&format!("{prefix}/x"))),
        (Method::PUT, at(&format!("{prefix}/y"))),
        (Method::POST, at(&format!("{prefix}/big?uploads="))),
        (Method::DELETE, at(&format!("{prefix}/x"))),
        (Method::GET, at(&format!("{prefix}-more/x"))),
        (Method::GET, listing("imports/")),
        (Method::GET, format!("/{bucket}?list-type=2")),
    ] {
        let answer = own.s3(method.clone(), &path, &[], "").await.unwrap();
        assert!(answer.is_refusal(), "{method} {path}: {answer:?}");
    }
    store.remove_limited(&user).await.unwrap();
    assert!(own.s3(Method::GET, &at(&format!("{prefix}/x")), &[], "").await.unwrap().is_refusal());
    assert!(!is_there(&stack, &user).await.1);
    store.remove_limited(&user).await.unwrap();
}
