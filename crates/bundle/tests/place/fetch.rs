//! What is fetched from a URL of somebody else's: where it leads, and what breaks on the way.

use std::io;
use std::net::IpAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use howdah_bundle::outside::{Allowed, Certificate, Guard, Remote};
use tokio::io::AsyncReadExt as _;

use crate::sample::noise;
use crate::web::{Answer, Asked, Web};

/// As if these were of the public internet.
fn public(addresses: &[&str]) -> Allowed {
    Allowed::also(addresses.iter().map(|it| it.parse().unwrap()).collect())
}

/// Each question is answered by the next of these, and then by the last.
fn names(allowed: Allowed, answers: &[&str]) -> Guard {
    let answers: Vec<IpAddr> = answers.iter().map(|it| it.parse().unwrap()).collect();
    let asked = Arc::new(AtomicUsize::new(0));
    Guard::asking(allowed, move |_| {
        let number = asked.fetch_add(1, Ordering::SeqCst).min(answers.len() - 1);
        let answer = answers[number];
        Box::pin(async move { Ok(vec![answer]) })
    })
}

async fn fetched(url: &str, guard: &Guard, web: &Web) -> io::Result<Vec<u8>> {
    let authorities = Certificate::from_pem_bundle(web.authority.as_bytes()).unwrap();
    let remote = Remote::new(url.parse().unwrap(), guard, &authorities).map_err(io::Error::other)?;
    let mut bytes = Vec::new();
    remote.read().read_to_end(&mut bytes).await?;
    Ok(bytes)
}

#[tokio::test]
async fn a_name_that_leads_elsewhere_the_second_time_is_not_followed_there() {
    let inside = Web::tls("127.0.0.2:0", &["birds.test"], |_| Answer::new(200, "secret")).await;
    // It breaks off, so that it is asked once more.
    let port = inside.address.port();
    let cut = |_: Asked| Answer { cut: Some(3), ..Answer::new(200, "whole") };
    let outside = Web::tls(&format!("127.0.0.1:{port}"), &["birds.test"], cut).await;
    let guard = names(public(&["127.0.0.1"]), &["127.0.0.1", "127.0.0.2"]);
    let refused = fetched(&format!("https://birds.test:{port}/b.tar?key=secret"), &guard, &outside).await.unwrap_err().to_string();
    assert!(refused.contains("leads to no address of the public internet") && !refused.contains("key="), "{refused}");
    assert_eq!((outside.connections(), inside.connections()), (1, 0));
}

#[tokio::test]
async fn redirects_lead_to_the_public_internet_alone() {
    let inside = Web::tls("127.0.0.2:0", &["birds.test"], |_| Answer::new(200, "secret")).await;
    let at = inside.address.port();
    let to = Arc::new(Mutex::new(String::new()));
    let leads = Arc::clone(&to);
    let outside = Web::tls("127.0.0.1:0", &["birds.test"], move |asked| match asked.path.as_str() {
        "/there" => Answer::new(200, "whole"),
        _ => Answer::new(302, "").with("location", leads.lock().unwrap().clone()),
    })
    .await;
    let url = format!("https://birds.test:{}/b.tar", outside.address.port());
    let guard = names(public(&["127.0.0.1"]), &["127.0.0.1"]);
    *to.lock().unwrap() = "/there".to_owned();
    assert_eq!(fetched(&url, &guard, &outside).await.unwrap(), b"whole");
    for (location, why) in [
        (format!("https://127.0.0.2:{at}/"), "127.0.0.2 is no address"),
        (format!("https://2130706434:{at}/"), "127.0.0.2 is no address"),
        (format!("https://[::ffff:127.0.0.2]:{at}/"), "is no address"),
        ("http://birds.test/".to_owned(), "only https"),
        ("https://169.254.169.254/latest/meta-data/".to_owned(), "169.254.169.254"),
        ("file:///etc/passwd".to_owned(), "only https"),
        ("https://ada@birds.test/".to_owned(), "password in a URL"),
        ("https://birds.test:22/".to_owned(), "port 22"),
        ("/b.tar".to_owned(), "redirects more than"),
    ] {
        to.lock().unwrap().clone_from(&location);
        let refused = fetched(&url, &guard, &outside).await.unwrap_err().to_string();
        assert!(refused.contains(why), "{location}: {refused}");
    }
    assert_eq!(inside.connections(), 0);
    let private = names(Allowed::default(), &["127.0.0.1"]);
    let before = outside.connections();
    assert!(fetched(&url, &private, &outside).await.is_err());
    assert_eq!(outside.connections(), before, "nothing is excepted by itself");
}

/// Serves bytes by range, and breaks off after some of them each time.
fn breaking(bytes: Vec<u8>, each: usize, ranges: bool, tag: impl Fn(usize) -> String + Send + Sync + 'static) -> impl Fn(Asked) -> Answer {
    let answers = AtomicUsize::new(0);
    move |asked| {
        let number = answers.fetch_add(1, Ordering::SeqCst);
        let from = asked.header("range").and_then(|it| it.strip_prefix("bytes=")?.strip_suffix('-')?.parse().ok()).unwrap_or(0);
        let whole = bytes.len();
        match from {
            0 => Answer { cut: Some(each), ..Answer::new(200, bytes.clone()) },
            _ if !ranges => Answer { cut: Some(from + each), ..Answer::new(200, bytes.clone()) },
            _ => {
                let answer = Answer::new(206, &bytes[from..]).with("content-range", format!("bytes {from}-{}/{whole}", whole - 1));
                Answer { cut: Some(each), ..answer }
            }
        }
        .with("etag", tag(number))
    }
}

#[tokio::test]
async fn what_breaks_off_goes_on_where_it_was() {
    let bytes = noise(100_000, 7);
    for ranges in [true, false] {
        let web = Web::tls("127.0.0.1:0", &["birds.test"], breaking(bytes.clone(), 30_000, ranges, |_| "\"one\"".to_owned())).await;
        let guard = names(public(&["127.0.0.1"]), &["127.0.0.1"]);
        let url = format!("https://birds.test:{}/b.tar", web.address.port());
        assert!(fetched(&url, &guard, &web).await.unwrap() == bytes, "with ranges: {ranges}");
        assert_eq!(web.connections(), 4);
    }
    let web = Web::tls("127.0.0.1:0", &["birds.test"], breaking(bytes, 30_000, true, |number| format!("\"{number}\""))).await;
    let guard = names(public(&["127.0.0.1"]), &["127.0.0.1"]);
    let url = format!("https://birds.test:{}/b.tar", web.address.port());
    let changed = fetched(&url, &guard, &web).await.unwrap_err().to_string();
    assert!(changed.contains("changed while it was fetched"), "{changed}");
}

#[tokio::test]
async fn what_is_not_there_is_told_at_once() {
    let web = Web::tls("127.0.0.1:0", &["birds.test"], |_| Answer::new(404, "")).await;
    let guard = names(public(&["127.0.0.1"]), &["127.0.0.1"]);
    let url = format!("https://birds.test:{}/b.tar?key=secret", web.address.port());
    let missing = fetched(&url, &guard, &web).await.unwrap_err().to_string();
    assert!(missing.contains("/b.tar answered 404") && !missing.contains("secret"), "{missing}");
    assert_eq!(web.connections(), 1);
}
