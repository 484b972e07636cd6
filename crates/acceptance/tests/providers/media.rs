//! The media gateway before the stack's real object store: what a bucket's policy opens, and how the store answers.

use std::net::TcpListener;

use howdah_acceptance::Stack;
use howdah_acceptance::s3::Somebody;
use howdah_gateway::{Bucket, Hosts, Media, MediaSettings};
use reqwest::{Method, Response};
use secrecy::ExposeSecret;

use crate::parts::{new_id, store};

const HOST: &str = "media.social.example";
const KEY: &str = "media_attachments/files/000/000/001/original/a%20%C3%BC.png";

fn header<'a>(response: &'a Response, name: &str) -> &'a str {
    response.headers().get(name).map_or("", |it| it.to_str().unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn media_of_a_bucket_by_its_host() {
    let stack = Stack::attach().unwrap();
    let store = store(&stack);
    let id = new_id();
    let name = id.resource_name();
    let keys = store.ensure(id, None).await.unwrap();
    let tenant = Somebody::new(&stack.s3, Some((&keys.access_key, keys.secret_key.expose_secret()))).unwrap();
    for key in [KEY, "backups/dumps/1/original/a.zip"] {
        let headers = [("content-type", "image/png"), ("x-amz-acl", "public-read")];
        assert_eq!(tenant.s3(Method::PUT, &format!("/{name}/{key}"), &headers, "0123456789").await.unwrap().status, 200);
    }

    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let settings = MediaSettings::new(address, &[format!("main={}", stack.s3.endpoint)]).unwrap();
    let hosts = Hosts::of([(HOST.to_owned(), Media::Here(Bucket { store: "main".to_owned(), name }))]);
    tokio::spawn(howdah_gateway::serve(listener, hosts, settings, std::future::pending()));
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let ask = async |method: Method, key: &str, headers: &[(&str, &str)]| {
        let request = http.request(method, format!("http://{address}/{key}")).header("host", HOST);
        headers.iter().fold(request, |request, (name, value)| request.header(*name, *value)).send().await.unwrap()
    };

    let whole = ask(Method::GET, KEY, &[]).await;
    assert_eq!((whole.status().as_u16(), header(&whole, "content-type")), (200, "image/png"));
    let (tag, modified) = (header(&whole, "etag").to_owned(), header(&whole, "last-modified").to_owned());
    assert!(!tag.is_empty() && !modified.is_empty());
    assert_eq!(whole.text().await.unwrap(), "0123456789");
    let head = ask(Method::HEAD, KEY, &[]).await;
    assert_eq!((head.status().as_u16(), header(&head, "content-length"), header(&head, "etag")), (200, "10", &*tag));
    let part = ask(Method::GET, KEY, &[("range", "bytes=2-4")]).await;
    assert_eq!((part.status().as_u16(), header(&part, "content-range")), (206, "bytes 2-4/10"));
    assert_eq!(part.text().await.unwrap(), "234");
    for condition in [("if-none-match", &*tag), ("if-modified-since", &*modified)] {
        assert_eq!(ask(Method::GET, KEY, &[condition]).await.status(), 304, "{condition:?}");
    }
    for key in ["backups/dumps/1/original/a.zip", "media_attachments/none", "", "accounts/%2e%2e%2fbackups%2fdumps/1/original/a.zip"] {
        let response = ask(Method::GET, key, &[]).await;
        assert_eq!(response.status(), 404, "{key}");
        assert!(!response.text().await.unwrap().contains('<'), "{key}");
    }
    store.destroy(id).await.unwrap();
    assert_eq!(ask(Method::GET, KEY, &[]).await.status(), 404, "gone with its bucket");
}
