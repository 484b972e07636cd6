//! An S3 user, limited by an inline policy to a tenant's bucket or to a prefix of the bundles', and its keys.

use reqwest::Method;
use secrecy::SecretString;
use serde::Deserialize;
use serde_json::{Value, json};

use super::client::{Client, Keys, Request, parse};
use super::{ObjectStoreError, S3Keys};

/// The name of the inline policy.
const POLICY: &str = "bucket";

/// What a user may list, by which its keys are tried.
pub(super) struct Listed<'a> {
    pub bucket: &'a str,
    pub prefix: &'a str,
}

pub(super) async fn ensure(client: &Client, keys: &Keys, name: &str, policy: &str) -> Result<(), ObjectStoreError> {
    match client.send(Request::iam("make the S3 user", keys, name, &[("Action", "CreateUser")])).await {
        Err(error) if error.has_code(&["EntityAlreadyExists"]) => {}
        made => made.map(|_| ())?,
    }
    let form = [("Action", "PutUserPolicy"), ("PolicyName", POLICY), ("PolicyDocument", policy)];
    client.send(Request::iam("set the policy of the S3 user", keys, name, &form)).await?;
    Ok(())
}

/// What Mastodon does with a bucket, and a listing (`tootctl media remove-orphans`). Not its policy, nor other settings.
pub(super) fn of_bucket(name: &str) -> String {
    let objects = ["GetObject", "GetObjectAcl", "PutObject", "PutObjectAcl", "DeleteObject", "AbortMultipartUpload"];
    let bucket = ["ListBucket", "GetBucketLocation"];
    json!({
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Action": objects.map(|it| format!("s3:{it}")), "Resource": [format!("arn:aws:s3:::{name}/*")]},
            {"Effect": "Allow", "Action": bucket.map(|it| format!("s3:{it}")), "Resource": [format!("arn:aws:s3:::{name}")]},
        ],
    })
    .to_string()
}

/// What a bundle's writer does below its prefix: also reads back what is finished, and aborts what was begun. Below `earlier` it reads.
pub(super) fn of_writer(bucket: &str, prefix: &str, earlier: Option<&str>) -> String {
    let own = may(bucket, prefix, &["GetObject", "PutObject", "DeleteObject", "AbortMultipartUpload"]);
    let mut statements = vec![own, may_list(bucket, [prefix].into_iter().chain(earlier))];
    statements.extend(earlier.map(|it| may(bucket, it, &["GetObject"])));
    policy(&statements)
}

/// What a bundle's reader does below its prefix.
pub(super) fn of_reader(bucket: &str, prefix: &str) -> String {
    policy(&[may(bucket, prefix, &["GetObject"]), may_list(bucket, [prefix])])
}

fn policy(statements: &[Value]) -> String {
    json!({"Version": "2012-10-17", "Statement": statements}).to_string()
}

fn may(bucket: &str, prefix: &str, actions: &[&str]) -> Value {
    let actions: Vec<String> = actions.iter().map(|it| format!("s3:{it}")).collect();
    json!({"Effect": "Allow", "Action": actions, "Resource": [format!("arn:aws:s3:::{bucket}/{prefix}/*")]})
}

fn may_list<'a>(bucket: &str, prefixes: impl IntoIterator<Item = &'a str>) -> Value {
    let listed: Vec<String> = prefixes.into_iter().map(|it| format!("{it}/*")).collect();
    json!({
        "Effect": "Allow",
        "Action": ["s3:ListBucket"],
        "Resource": [format!("arn:aws:s3:::{bucket}")],
        "Condition": {"StringLike": {"s3:prefix": listed}},
    })
}

/// The keys in hand if they work, else new ones; no others are left.
pub(super) async fn ensure_keys(
    client: &Client,
    provisioner: &Keys,
    name: &str,
    may_list: Listed<'_>,
    in_hand: Option<&S3Keys>,
) -> Result<S3Keys, ObjectStoreError> {
    let listed = list_keys(client, provisioner, name).await?;
    if let Some(keys) = in_hand
        && listed.contains(&keys.access_key)
        && are_right(client, name, may_list, keys).await?
    {
        remove(client, provisioner, name, listed.iter().filter(|it| **it != keys.access_key)).await?;
        return Ok(keys.clone());
    }
    // Before the new pair is made: a user may have two at most. A new pair that a crash keeps from being stored ends here too.
    remove(client, provisioner, name, listed.iter()).await?;
    create_key(client, provisioner, name).await
}

/// False where the secret is wrong. Keys that are listed and yet unknown, or not yet allowed, are on their way to every part
/// of the store: making new ones would begin that anew.
async fn are_right(client: &Client, name: &str, may_list: Listed<'_>, keys: &S3Keys) -> Result<bool, ObjectStoreError> {
    let credentials = Keys::new(&keys.access_key, &keys.secret_key);
    let request = Request { name, ..Request::bucket("try the keys of", &credentials, Method::GET, may_list.bucket) };
    match client.send(Request { query: &[("list-type", "2"), ("max-keys", "1"), ("prefix", may_list.prefix)], ..request }).await {
        Ok(_) => Ok(true),
        Err(error) if error.has_code(&["SignatureDoesNotMatch"]) => Ok(false),
        Err(error) if error.has_code(&["InvalidAccessKeyId", "AccessDenied"]) => {
            Err(ObjectStoreError::KeysPending { name: name.to_owned() })
        }
        Err(error) => Err(error),
    }
}

async fn create_key(client: &Client, keys: &Keys, name: &str) -> Result<S3Keys, ObjectStoreError> {
    let action = "make keys for the S3 user";
    let body = client.send(Request::iam(action, keys, name, &[("Action", "CreateAccessKey")])).await?;
    let Created { result: CreatedResult { access_key } } = parse(action, name, &body)?;
    Ok(S3Keys { access_key: access_key.access_key_id, secret_key: SecretString::from(access_key.secret_access_key) })
}

async fn list_keys(client: &Client, keys: &Keys, name: &str) -> Result<Vec<String>, ObjectStoreError> {
    let action = "list the keys of the S3 user";
    match client.send(Request::iam(action, keys, name, &[("Action", "ListAccessKeys")])).await {
        Err(error) if error.has_code(&["NoSuchEntity"]) => Ok(Vec::new()),
        answer => {
            let KeysAnswer { result } = parse(action, name, &answer?)?;
            Ok(result.metadata.members.into_iter().map(|it| it.access_key_id).collect())
        }
    }
}

async fn remove(client: &Client, keys: &Keys, name: &str, ids: impl Iterator<Item = &String>) -> Result<(), ObjectStoreError> {
    for id in ids {
        let form = [("Action", "DeleteAccessKey"), ("AccessKeyId", id.as_str())];
        gone(client.send(Request::iam("delete keys of the S3 user", keys, name, &form)).await)?;
    }
    Ok(())
}

pub(super) async fn remove_keys(client: &Client, keys: &Keys, name: &str) -> Result<(), ObjectStoreError> {
    let listed = list_keys(client, keys, name).await?;
    remove(client, keys, name, listed.iter()).await
}

pub(super) async fn destroy(client: &Client, keys: &Keys, name: &str) -> Result<(), ObjectStoreError> {
    let form = [("Action", "DeleteUserPolicy"), ("PolicyName", POLICY)];
    gone(client.send(Request::iam("delete the policy of the S3 user", keys, name, &form)).await)?;
    gone(client.send(Request::iam("delete the S3 user", keys, name, &[("Action", "DeleteUser")])).await)
}

/// What isn't there is deleted.
fn gone(answer: Result<Vec<u8>, ObjectStoreError>) -> Result<(), ObjectStoreError> {
    match answer {
        Err(error) if error.has_code(&["NoSuchEntity"]) => Ok(()),
        answer => answer.map(|_| ()),
    }
}

#[derive(Deserialize)]
struct Created {
    #[serde(rename = "CreateAccessKeyResult")]
    result: CreatedResult,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct CreatedResult {
    access_key: NewKey,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct NewKey {
    access_key_id: String,
    secret_access_key: String,
}

#[derive(Deserialize)]
struct KeysAnswer {
    #[serde(rename = "ListAccessKeysResult")]
    result: KeysResult,
}

#[derive(Deserialize)]
struct KeysResult {
    #[serde(rename = "AccessKeyMetadata", default)]
    metadata: Members,
}

#[derive(Deserialize, Default)]
struct Members {
    #[serde(rename = "member", default)]
    members: Vec<ListedKey>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ListedKey {
    access_key_id: String,
}
