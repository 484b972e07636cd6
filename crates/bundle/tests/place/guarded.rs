//! Somebody's bucket: nothing inside is connected to, and why it can't be written to is told by what the store says, whatever its name is.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use howdah_bundle::outside::{Allowed, Bucket, Certificate, Guard, Step, Trouble};
use howdah_bundle::place::{Location, Place, PlaceError, Reader};
use howdah_bundle::s3::S3Settings;

use crate::web::{Answer, Asked, Web};

/// By which every name leads there.
fn leading_to(address: &str, allowed: &[&str]) -> Guard {
    let address: IpAddr = address.parse().unwrap();
    let allowed = Allowed::also(allowed.iter().map(|it| it.parse().unwrap()).collect());
    Guard::asking(allowed, move |_| Box::pin(async move { Ok(vec![address]) }))
}

fn authorities(web: &Web) -> Vec<Certificate> {
    Certificate::from_pem_bundle(web.authority.as_bytes()).unwrap()
}

fn settings(endpoint: String) -> S3Settings {
    let variables = [("AWS_ENDPOINT_URL", endpoint.as_str()), ("AWS_ACCESS_KEY_ID", "id"), ("AWS_SECRET_ACCESS_KEY", "secret")];
    S3Settings::from_variables(|name| variables.iter().find(|it| it.0 == name).map(|it| it.1.to_owned())).unwrap()
}

/// Whoever changes where the name leads after the bucket was tried out.
#[tokio::test]
async fn a_place_whose_name_leads_inside_is_not_connected_to() {
    let web = Web::tls("127.0.0.1:0", &["s3.test"], |_| Answer::new(404, "")).await;
    let location: Location = "s3://mine/birds".parse().unwrap();
    let settings = settings(format!("https://s3.test:{}", web.address.port()));
    let opened = async |guard: Guard| {
        let place = Place::guarded(&location, &settings, &guard, &authorities(&web)).unwrap();
        Reader::open(&place).await.err().unwrap().to_string()
    };
    let asked = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&asked);
    let inside = Guard::asking(Allowed::default(), move |_| {
        counted.fetch_add(1, Ordering::SeqCst);
        Box::pin(async { Ok(vec!["127.0.0.1".parse().unwrap()]) })
    });
    let refused = opened(inside).await;
    assert!(refused.contains("`s3.test` leads to no address of the public internet"), "{refused}");
    assert_eq!((web.connections(), asked.load(Ordering::SeqCst)), (0, 1), "nor is it tried again");
    let asked = opened(leading_to("127.0.0.1", &["127.0.0.1"])).await;
    assert!(asked.contains("holds no whole bundle"), "{asked}");
    assert!(web.connections() > 0);
}

#[test]
fn a_place_at_an_address_inside_or_without_tls_is_none() {
    let location: Location = "s3://mine/birds".parse().unwrap();
    for endpoint in ["https://10.0.0.7", "http://s3.example.com", "https://[::1]:8333"] {
        let place = Place::guarded(&location, &settings(endpoint.to_owned()), &Guard::new(Allowed::default()), &[]);
        assert!(matches!(place.err(), Some(PlaceError::Outside { .. })), "{endpoint}");
    }
    let unsaid = S3Settings { endpoint: None, ..settings("https://s3.example.com".to_owned()) };
    assert!(Place::guarded(&location, &unsaid, &Guard::new(Allowed::default()), &[]).is_err());
}

fn bucket(web: &Web, name: &str) -> Bucket {
    Bucket {
        endpoint: format!("https://s3.test:{}", web.address.port()).parse().unwrap(),
        region: "eu-central-1".to_owned(),
        bucket: name.to_owned(),
        virtual_hosted: false,
        access_key_id: "id".to_owned(),
        secret_access_key: "secret".into(),
    }
}

async fn tried(bucket: &Bucket, web: &Web) -> Result<(), Trouble> {
    bucket.try_out(&leading_to("127.0.0.1", &["127.0.0.1"]), &authorities(web), "birds/howdah-test").await
}

fn refusal(code: &str) -> String {
    format!("<?xml version=\"1.0\"?>\n<Error><Code>{code}</Code><Message>of tls and dns error 404</Message></Error>")
}

/// Its name has the words that errors are full of.
#[tokio::test]
async fn what_a_store_says_is_told_by_its_status_and_code() {
    let region = "<Error><Code>AuthorizationHeaderMalformed</Code><Message>m</Message><Region>us-east-1</Region></Error>";
    for (status, body, told) in [
        (403, refusal("SignatureDoesNotMatch"), Trouble::Keys),
        (403, refusal("InvalidAccessKeyId"), Trouble::Keys),
        (403, refusal("AccessDenied"), Trouble::Rights(Step::Put)),
        (404, refusal("NoSuchBucket"), Trouble::Bucket),
        (503, refusal("SlowDown&lt;script&gt;"), Trouble::Answer("SlowDownscript".to_owned())),
        (400, region.to_owned(), Trouble::Region),
        (301, refusal("PermanentRedirect"), Trouble::Region),
        (403, String::new(), Trouble::Rights(Step::Put)),
        (301, "<html>".to_owned(), Trouble::Region),
        (404, "<html><body>404</body></html>".to_owned(), Trouble::Bucket),
        (500, String::new(), Trouble::Answer("500".to_owned())),
        (200, String::new(), Trouble::Lost),
    ] {
        let answer = move |_: Asked| {
            let answer = Answer::new(status, body.clone()).with("etag", "\"x\"");
            answer.with("last-modified", "Sat, 28 Nov 2026 12:00:00 GMT")
        };
        let web = Web::tls("127.0.0.1:0", &["s3.test"], answer).await;
        assert_eq!(tried(&bucket(&web, "tls.certificate-403-404"), &web).await, Err(told), "{status}");
    }
}

#[tokio::test]
async fn what_keeps_a_store_from_being_asked_is_told_by_its_type() {
    let web = Web::tls("127.0.0.1:0", &["s3.test"], |_| Answer::new(500, "")).await;
    let named = bucket(&web, "dns.certificate.tls");
    let guard = leading_to("127.0.0.1", &["127.0.0.1"]);
    assert_eq!(named.try_out(&guard, &[], "test").await, Err(Trouble::Tls), "nobody knows its authority");
    let closed = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let away = Bucket { endpoint: format!("https://s3.test:{}", closed.port()).parse().unwrap(), ..named.clone() };
    assert_eq!(tried(&away, &web).await, Err(Trouble::Away));
    let nobody = Guard::asking(Allowed::default(), |_| Box::pin(async { Err(std::io::Error::other("no")) }));
    assert_eq!(named.try_out(&nobody, &[], "test").await, Err(Trouble::Name));
}

#[tokio::test]
async fn what_was_put_and_read_back_and_deleted_is_well() {
    let is_deleted = Arc::new(AtomicBool::new(false));
    let deleted = Arc::clone(&is_deleted);
    let web = Web::tls("127.0.0.1:0", &["s3.test"], move |asked: Asked| match asked.method.as_str() {
        "PUT" => Answer::new(200, "").with("etag", "\"x\""),
        "GET" => Answer::new(200, "A test of the bucket. It can be deleted.\n").with("last-modified", "Sat, 28 Nov 2026 12:00:00 GMT"),
        _ => {
            deleted.store(true, Ordering::SeqCst);
            Answer::new(204, "")
        }
    });
    let web = web.await;
    assert_eq!(tried(&bucket(&web, "mine"), &web).await, Ok(()));
    assert!(is_deleted.load(Ordering::SeqCst));
}
