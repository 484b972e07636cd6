//! Objects in S3: path style, SigV4 with a signed payload, what Paperclip sends along.

use std::fmt::Write as _;

use aws_lc_rs::{digest, hmac};
use data_encoding::HEXLOWER;
use reqwest::Method;

use super::{Access, Object, StorageError};
use crate::clock;
use crate::config::S3Config;

/// A year and more: Mastodon's media never change under one name.
const CACHE_CONTROL: &str = "public, max-age=315576000, immutable";

type Headers = Vec<(&'static str, String)>;

pub async fn put(http: &reqwest::Client, bucket: &S3Config, object: &Object<'_>, body: Vec<u8>) -> Result<(), StorageError> {
    let mut headers = vec![("cache-control", CACHE_CONTROL.to_owned()), ("content-type", object.content_type.to_owned())];
    if let Some(acl) = acl(bucket, object.access) {
        headers.push(("x-amz-acl", acl.to_owned()));
    }
    send(http, bucket, Method::PUT, object.key, headers, body).await
}

pub async fn delete(http: &reqwest::Client, bucket: &S3Config, key: &str) -> Result<(), StorageError> {
    match send(http, bucket, Method::DELETE, key, Headers::new(), Vec::new()).await {
        Err(StorageError::Refused { status: 404, .. }) => Ok(()),
        sent => sent,
    }
}

pub fn full_key(bucket: &S3Config, key: &str) -> String {
    if bucket.key_prefix.is_empty() { key.to_owned() } else { format!("{}/{key}", bucket.key_prefix) }
}

/// An empty `S3_PERMISSION` means that no ACL is sent, not even with what is private.
fn acl(bucket: &S3Config, access: Access) -> Option<&str> {
    let usual = bucket.permission.as_deref()?;
    Some(if access == Access::Private { "private" } else { usual })
}

async fn send(
    http: &reqwest::Client,
    bucket: &S3Config,
    method: Method,
    key: &str,
    mut headers: Headers,
    body: Vec<u8>,
) -> Result<(), StorageError> {
    let key = full_key(bucket, key);
    let path = encoded(&format!("/{}/{key}", bucket.bucket));
    let time = clock::now().format("%Y%m%dT%H%M%SZ").to_string();
    let payload = HEXLOWER.encode(digest::digest(&digest::SHA256, &body).as_ref());
    headers.extend([
        ("host", bucket.endpoint.split_once("://").map_or("", |(_, host)| host).to_owned()),
        ("x-amz-content-sha256", payload.clone()),
        ("x-amz-date", time.clone()),
    ]);
    headers.sort_unstable();
    let authorization = authorization(bucket, method.as_str(), &path, &headers, &payload, &time);
    let mut request = http.request(method, format!("{}{path}", bucket.endpoint)).header("authorization", authorization).body(body);
    for (name, value) in headers.iter().filter(|(name, _)| *name != "host") {
        request = request.header(*name, value);
    }
    let response = request.send().await.map_err(|source| StorageError::Unreachable { key: key.clone(), source })?;
    if response.status().is_success() {
        return Ok(());
    }
    let status = response.status().as_u16();
    Err(StorageError::Refused { key, status, answer: response.text().await.unwrap_or_default() })
}

/// A path as SigV4 signs it: all but unreserved characters and slashes by their bytes (`@1x` is a style's name).
fn encoded(path: &str) -> String {
    path.bytes().fold(String::with_capacity(path.len()), |mut text, byte| {
        if byte.is_ascii_alphanumeric() || b"-_.~/".contains(&byte) {
            text.push(char::from(byte));
        } else {
            write!(text, "%{byte:02X}").expect("a string takes all text");
        }
        text
    })
}

/// `headers` are sorted by name; `path` is encoded.
fn authorization(bucket: &S3Config, method: &str, path: &str, headers: &[(&str, String)], payload: &str, time: &str) -> String {
    let canonical: String = headers.iter().map(|(name, value)| format!("{name}:{value}\n")).collect();
    let signed: Vec<&str> = headers.iter().map(|(name, _)| *name).collect();
    let signed = signed.join(";");
    let request = format!("{method}\n{path}\n\n{canonical}\n{signed}\n{payload}");
    let day = &time[..8];
    let scope = format!("{day}/{}/s3/aws4_request", bucket.region);
    let to_sign =
        format!("AWS4-HMAC-SHA256\n{time}\n{scope}\n{}", HEXLOWER.encode(digest::digest(&digest::SHA256, request.as_bytes()).as_ref()));
    let chain = [day, bucket.region.as_str(), "s3", "aws4_request", to_sign.as_str()];
    let signature = chain.iter().fold(format!("AWS4{}", bucket.secret_key).into_bytes(), |key, part| {
        hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &key), part.as_bytes()).as_ref().to_vec()
    });
    format!("AWS4-HMAC-SHA256 Credential={}/{scope}, SignedHeaders={signed}, Signature={}", bucket.access_key, HEXLOWER.encode(&signature))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of AWS's own documentation ("Authenticating Requests: Using the Authorization Header", GET Object).
    #[test]
    fn a_request_is_signed_as_aws_documents_it() {
        let storage = S3Config {
            endpoint: "https://examplebucket.s3.amazonaws.com".to_owned(),
            bucket: String::new(),
            region: "us-east-1".to_owned(),
            access_key: "AKIAIOSFODNN7EXAMPLE".to_owned(),
            secret_key: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY".to_owned(),
            alias_host: String::new(),
            protocol: String::new(),
            key_prefix: String::new(),
            permission: None,
        };
        let empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        let headers = [
            ("host", "examplebucket.s3.amazonaws.com".to_owned()),
            ("range", "bytes=0-9".to_owned()),
            ("x-amz-content-sha256", empty.to_owned()),
            ("x-amz-date", "20130524T000000Z".to_owned()),
        ];
        let header = authorization(&storage, "GET", "/test.txt", &headers, empty, "20130524T000000Z");
        assert!(header.ends_with("Signature=f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"), "{header}");
    }

    #[test]
    fn names_are_encoded_as_they_are_signed() {
        assert_eq!(encoded("/b/site_uploads/files/000/000/001/@1x/Ü b.png"), "/b/site_uploads/files/000/000/001/%401x/%C3%9C%20b.png");
    }
}
