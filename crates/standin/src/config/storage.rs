//! Where media is kept: in S3, addressed by path, in a bucket of this server's own or under a prefix; else on the disk.

use std::path::PathBuf;

use super::identity::is_host;
use super::reader::Reader;

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StorageConfig {
    S3(S3Config),
    Disk(DiskConfig),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct S3Config {
    /// `http://host:port`, without a path.
    pub endpoint: String,
    pub bucket: String,
    pub region: String,
    pub access_key: String,
    pub secret_key: String,
    /// Where people fetch media from.
    pub alias_host: String,
    /// `S3_PROTOCOL`: of the URLs of media, not of the endpoint.
    pub protocol: String,
    pub key_prefix: String,
    /// The canned ACL of each object; `None` with an empty `S3_PERMISSION`.
    pub permission: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DiskConfig {
    /// `PAPERCLIP_ROOT_PATH`; relative to Mastodon's own folder, where every process runs.
    pub root: PathBuf,
    /// `PAPERCLIP_ROOT_URL`: a path on the web host, or an address of its own.
    pub url: String,
}

pub fn read(reader: &mut Reader<'_>) -> StorageConfig {
    match reader.env.get("S3_ENABLED") {
        Some("true") => StorageConfig::S3(read_s3(reader)),
        None | Some("false") => StorageConfig::Disk(read_disk(reader)),
        Some(_) => {
            reader.malformed("S3_ENABLED", "true or false is wanted");
            StorageConfig::Disk(read_disk(reader))
        }
    }
}

fn read_disk(reader: &Reader<'_>) -> DiskConfig {
    let root = reader.env.get("PAPERCLIP_ROOT_PATH").unwrap_or(":rails_root/public/system");
    DiskConfig {
        root: root.strip_prefix(":rails_root/").unwrap_or(root).into(),
        url: reader.env.get("PAPERCLIP_ROOT_URL").unwrap_or("/system").trim_end_matches('/').to_owned(),
    }
}

fn read_s3(reader: &mut Reader<'_>) -> S3Config {
    let is_endpoint =
        |url: &str| url.strip_prefix("http://").or(url.strip_prefix("https://")).is_some_and(|rest| is_host(rest.trim_end_matches('/')));
    let endpoint = reader.checked("S3_ENDPOINT", "http(s)://host is wanted, without a path", is_endpoint);
    let storage = S3Config {
        endpoint: endpoint.trim_end_matches('/').to_owned(),
        bucket: reader.required("S3_BUCKET"),
        region: reader.env.get("S3_REGION").unwrap_or("us-east-1").to_owned(),
        access_key: reader.required("AWS_ACCESS_KEY_ID"),
        secret_key: reader.required("AWS_SECRET_ACCESS_KEY"),
        alias_host: reader.checked("S3_ALIAS_HOST", "a host name is wanted, without scheme or path", is_host),
        protocol: reader.env.get("S3_PROTOCOL").unwrap_or("https").to_owned(),
        key_prefix: reader.env.get("S3_KEY_PREFIX").unwrap_or_default().trim_matches('/').to_owned(),
        permission: reader.permission(),
    };
    if !["http", "https"].contains(&storage.protocol.as_str()) {
        reader.malformed("S3_PROTOCOL", "http or https is wanted");
    }
    storage
}

impl Reader<'_> {
    /// `public-read` unless set; set and empty means that no ACL is sent.
    fn permission(&self) -> Option<String> {
        match self.env.raw("S3_PERMISSION") {
            None => Some("public-read".to_owned()),
            Some("") => None,
            Some(acl) => Some(acl.to_owned()),
        }
    }
}
