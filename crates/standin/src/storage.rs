//! Objects in S3: path style, SigV4 with a signed payload, what Paperclip sends along.

use aws_lc_rs::{digest, hmac};
use data_encoding::HEXLOWER;

use crate::clock;
use crate::config::StorageConfig;

/// A year and more: Mastodon's media never change under one name.
const CACHE_CONTROL: &str = "public, max-age=315576000, immutable";

#[derive(Debug, thiserror::Error)]
pub enum StorageError {
    #[error("Aws::S3::Errors: the object store can't be reached for `{key}`")]
    Unreachable {
        key: String,
        #[source]
        source: reqwest::Error,
    },
    #[error("Aws::S3::Errors: the object store refused `{key}` with {status}: {answer}")]
    Refused { key: String, status: u16, answer: String },
}

pub async fn put(
    http: &reqwest::Client,
    storage: &StorageConfig,
    key: &str,
    content_type: &str,
    body: Vec<u8>,
) -> Result<(), StorageError> {
    let key = if storage.key_prefix.is_empty() { key.to_owned() } else { format!("{}/{key}", storage.key_prefix) };
    let path = format!("/{}/{key}", storage.bucket);
    let time = clock::now().format("%Y%m%dT%H%M%SZ").to_string();
    let payload = HEXLOWER.encode(digest::digest(&digest::SHA256, &body).as_ref());
    let mut headers = vec![
        ("cache-control", CACHE_CONTROL.to_owned()),
        ("content-type", content_type.to_owned()),
        ("host", storage.endpoint.split_once("://").map_or("", |(_, host)| host).to_owned()),
        ("x-amz-content-sha256", payload.clone()),
        ("x-amz-date", time.clone()),
    ];
    if let Some(acl) = &storage.permission {
        headers.push(("x-amz-acl", acl.clone()));
    }
    headers.sort_unstable();
    let authorization = authorization(storage, "PUT", &path, &headers, &payload, &time);
    let mut request = http.put(format!("{}{path}", storage.endpoint)).header("authorization", authorization).body(body);
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

/// `headers` are sorted by name; `path` has only characters that need no escape.
fn authorization(storage: &StorageConfig, method: &str, path: &str, headers: &[(&str, String)], payload: &str, time: &str) -> String {
    let canonical: String = headers.iter().map(|(name, value)| format!("{name}:{value}\n")).collect();
    let signed: Vec<&str> = headers.iter().map(|(name, _)| *name).collect();
    let signed = signed.join(";");
    let request = format!("{method}\n{path}\n\n{canonical}\n{signed}\n{payload}");
    let day = &time[..8];
    let scope = format!("{day}/{}/s3/aws4_request", storage.region);
    let to_sign =
        format!("AWS4-HMAC-SHA256\n{time}\n{scope}\n{}", HEXLOWER.encode(digest::digest(&digest::SHA256, request.as_bytes()).as_ref()));
    let chain = [day, storage.region.as_str(), "s3", "aws4_request", to_sign.as_str()];
    let signature = chain.iter().fold(format!("AWS4{}", storage.secret_key).into_bytes(), |key, part| {
        hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &key), part.as_bytes()).as_ref().to_vec()
    });
    format!("AWS4-HMAC-SHA256 Credential={}/{scope}, SignedHeaders={signed}, Signature={}", storage.access_key, HEXLOWER.encode(&signature))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of AWS's own documentation ("Authenticating Requests: Using the Authorization Header", GET Object).
    #[test]
    fn a_request_is_signed_as_aws_documents_it() {
        let storage = StorageConfig {
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
}
