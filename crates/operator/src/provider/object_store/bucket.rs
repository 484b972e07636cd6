//! One tenant's bucket: who may do what with it, and its end.

use data_encoding::BASE64;
use quick_xml::escape::escape;
use reqwest::Method;
use serde::Deserialize;
use serde_json::json;
use sha2::{Digest, Sha256};

use super::client::{Client, Keys, Request, parse};
use super::{ObjectStoreError, PUBLIC_PREFIXES};

pub(super) async fn ensure(client: &Client, keys: &Keys, name: &str) -> Result<(), ObjectStoreError> {
    create(client, keys, name).await?;
    let request = Request::bucket("set the policy of the bucket", keys, Method::PUT, name);
    client.send(Request { query: &[("policy", "")], body: policy(name).into_bytes(), ..request }).await?;
    Ok(())
}

async fn create(client: &Client, keys: &Keys, name: &str) -> Result<(), ObjectStoreError> {
    match client.send(Request::bucket("look up the bucket", keys, Method::HEAD, name)).await {
        Err(error) if error.is_not_found() => {}
        found => return found.map(|_| ()),
    }
    let request = Request::bucket("make the bucket", keys, Method::PUT, name);
    // `us-east-1` is the region that has to be left unsaid.
    let body = match client.region() {
        "us-east-1" => Vec::new(),
        region => {
            format!("<CreateBucketConfiguration><LocationConstraint>{}</LocationConstraint></CreateBucketConfiguration>", escape(region))
                .into_bytes()
        }
    };
    match client.send(Request { body, ..request }).await {
        Err(error) if error.has_code(&["BucketAlreadyOwnedByYou"]) => Ok(()),
        made => made.map(|_| ()),
    }
}

fn policy(name: &str) -> String {
    let objects: Vec<_> = PUBLIC_PREFIXES.iter().map(|prefix| format!("arn:aws:s3:::{name}/{prefix}/*")).collect();
    json!({
        "Version": "2012-10-17",
        "Statement": [{"Sid": "PublicMedia", "Effect": "Allow", "Principal": "*", "Action": ["s3:GetObject"], "Resource": objects}],
    })
    .to_string()
}

pub(super) async fn destroy(client: &Client, keys: &Keys, name: &str) -> Result<(), ObjectStoreError> {
    match empty(client, keys, name).await {
        Err(error) if error.is_not_found() => return Ok(()),
        emptied => emptied?,
    }
    match client.send(Request::bucket("delete the bucket", keys, Method::DELETE, name)).await {
        Err(error) if error.is_not_found() => Ok(()),
        deleted => deleted.map(|_| ()),
    }
}

async fn empty(client: &Client, keys: &Keys, name: &str) -> Result<(), ObjectStoreError> {
    abort_uploads(client, keys, name).await?;
    let mut last = Vec::new();
    loop {
        let versions = versions(client, keys, name).await?;
        // A key that the store lists otherwise than it keeps it stays: whether the bucket goes with it is for the store to say.
        if versions.is_empty() || versions == last {
            return Ok(());
        }
        delete(client, keys, name, &versions).await?;
        last = versions;
    }
}

async fn abort_uploads(client: &Client, keys: &Keys, name: &str) -> Result<(), ObjectStoreError> {
    let mut last = Vec::new();
    loop {
        let action = "list the open uploads of";
        let request = Request::bucket(action, keys, Method::GET, name);
        let body = client.send(Request { query: &[("uploads", ""), ("max-uploads", "1000")], ..request }).await?;
        let uploads = parse::<Uploads>(action, name, &body)?.uploads;
        if uploads.is_empty() || uploads == last {
            return Ok(());
        }
        for Upload { key, upload_id } in &uploads {
            let request = Request::bucket("abort an upload to", keys, Method::DELETE, name);
            match client.send(Request { key: Some(key), query: &[("uploadId", upload_id)], ..request }).await {
                Err(error) if error.is_not_found() => {}
                aborted => aborted.map(|_| ())?,
            }
        }
        last = uploads;
    }
}

/// The first thousand, always from the start: what was listed before is deleted.
async fn versions(client: &Client, keys: &Keys, name: &str) -> Result<Vec<Version>, ObjectStoreError> {
    let action = "list the objects of";
    let request = Request::bucket(action, keys, Method::GET, name);
    let body = client.send(Request { query: &[("versions", ""), ("max-keys", "1000")], ..request }).await?;
    let listing: Versions = parse(action, name, &body)?;
    Ok(listing
        .entries
        .into_iter()
        .filter_map(|entry| match entry {
            Entry::Version(version) | Entry::DeleteMarker(version) => Some(version),
            Entry::Other => None,
        })
        .collect())
}

async fn delete(client: &Client, keys: &Keys, name: &str, versions: &[Version]) -> Result<(), ObjectStoreError> {
    let action = "delete objects of";
    let objects: String = versions
        .iter()
        .map(|it| format!("<Object><Key>{}</Key><VersionId>{}</VersionId></Object>", escape(&it.key), escape(&it.version_id)))
        .collect();
    let body = format!("<Delete xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Quiet>true</Quiet>{objects}</Delete>").into_bytes();
    let checksum = BASE64.encode(&Sha256::digest(&body));
    let headers = vec![("x-amz-sdk-checksum-algorithm", "SHA256".to_owned()), ("x-amz-checksum-sha256", checksum)];
    let request = Request::bucket(action, keys, Method::POST, name);
    let answer = client.send(Request { query: &[("delete", "")], headers, body, ..request }).await?;
    let result: Deleted = parse(action, name, &answer)?;
    match result.errors.into_iter().next() {
        None => Ok(()),
        // The request went through, so the status is that of the object's refusal: none.
        Some(refused) => Err(ObjectStoreError::Refused { action, name: name.to_owned(), status: 200, code: refused.code }),
    }
}

#[derive(Deserialize)]
struct Uploads {
    #[serde(rename = "Upload", default)]
    uploads: Vec<Upload>,
}

#[derive(Deserialize, PartialEq)]
#[serde(rename_all = "PascalCase")]
struct Upload {
    key: String,
    upload_id: String,
}

/// Versions and delete markers come in one sequence, by key.
#[derive(Deserialize)]
struct Versions {
    #[serde(rename = "$value", default)]
    entries: Vec<Entry>,
}

#[derive(Deserialize)]
enum Entry {
    Version(Version),
    DeleteMarker(Version),
    #[serde(other)]
    Other,
}

#[derive(Deserialize, PartialEq)]
#[serde(rename_all = "PascalCase")]
struct Version {
    key: String,
    version_id: String,
}

#[derive(Deserialize)]
struct Deleted {
    #[serde(rename = "Error", default)]
    errors: Vec<Refusal>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Refusal {
    code: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_versions_and_markers_in_any_order() {
        let body = br#"<?xml version="1.0" encoding="UTF-8"?>
            <ListVersionsResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Name>b</Name><Prefix></Prefix><MaxKeys>1000</MaxKeys><IsTruncated>false</IsTruncated>
            <Version><Key>a</Key><VersionId>1</VersionId><IsLatest>true</IsLatest><Owner><ID>x</ID></Owner></Version>
            <DeleteMarker><Key>b</Key><VersionId>2</VersionId><IsLatest>true</IsLatest></DeleteMarker>
            <Version><Key>b&amp;c</Key><VersionId>null</VersionId></Version>
            <CommonPrefixes><Prefix>p/</Prefix></CommonPrefixes></ListVersionsResult>"#;
        let listing: Versions = parse("list", "b", body).expect("a listing");
        let found: Vec<_> = listing
            .entries
            .iter()
            .filter_map(|entry| match entry {
                Entry::Version(it) => Some(("version", it.key.as_str(), it.version_id.as_str())),
                Entry::DeleteMarker(it) => Some(("marker", it.key.as_str(), it.version_id.as_str())),
                Entry::Other => None,
            })
            .collect();
        assert_eq!(found, [("version", "a", "1"), ("marker", "b", "2"), ("version", "b&c", "null")]);
    }

    #[test]
    fn the_policy_opens_media_and_nothing_else() {
        let policy: serde_json::Value = serde_json::from_str(&policy("mi-a")).expect("JSON");
        let statements = policy["Statement"].as_array().expect("statements");
        assert_eq!(statements.len(), 1);
        assert_eq!(statements[0]["Action"], json!(["s3:GetObject"]));
        let objects: Vec<_> = statements[0]["Resource"].as_array().expect("objects").iter().filter_map(|it| it.as_str()).collect();
        assert!(objects.iter().all(|it| it.starts_with("arn:aws:s3:::mi-a/") && it.ends_with("/*")));
        assert!(!objects.iter().any(|it| it.contains("backups") || it.contains("imports")));
    }
}
