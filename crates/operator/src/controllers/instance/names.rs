//! Names of a server's Secrets and other fixed names in its namespace.

use howdah_domain::InstanceId;

use crate::digest::Digest;

/// Copy of the identity from the inbox; immutable.
pub const IDENTITY: &str = "identity";
/// Copy of the owner's name, address and token; only while the account is being made.
pub const OWNER: &str = "owner";
/// Password of the database role.
pub const DATABASE: &str = "database";
pub const REDIS: &str = "redis";
/// Keys of the S3 user.
pub const OBJECT_STORE: &str = "object-store";
/// The token that switches self-destruct on.
pub const FAREWELL: &str = "farewell";
pub const WEB_TLS: &str = "web-tls";
/// The platform's certificate, beside a rehearsal's Ingress.
pub const PREVIEW_TLS: &str = "preview-tls";
/// Keys of the S3 user that reads the bundle which a server is loaded from; only until it is loaded.
pub const BUNDLE_READER: &str = "bundle-reader";
const EXPORT_PREFIX: &str = "mx-";
const OWNER_LINK_PREFIX: &str = "owner-link-";
const BUNDLE_KEY_PREFIX: &str = "bundle-key-";
const DATABASE_CA_PREFIX: &str = "database-ca-";
const SMTP_PREFIX: &str = "smtp-";
const MEDIA_TLS_SUFFIX: &str = "-tls";

/// ServiceAccount of everything that runs Mastodon's image.
pub const MASTODON_ACCOUNT: &str = "mastodon";
/// Of what makes bundles.
pub const BUNDLE_ACCOUNT: &str = "bundle";
/// Of what answers for a server that is suspended or read-only.
pub const GATE_ACCOUNT: &str = "gate";
pub const REDIS_ACCOUNT: &str = "redis";
/// The binding of ClusterRole `howdah-tenant` to the operator; ClusterRole and operator have fixed names.
pub const ACCESS: &str = "howdah-operator";
pub const TENANT_ROLE: &str = "howdah-tenant";
pub const OPERATOR_ACCOUNT: &str = "howdah-operator";

/// Copy of the name and token that a new link is made from; only while it is.
#[must_use]
pub fn owner_link(content: Digest) -> String {
    format!("{OWNER_LINK_PREFIX}{}", content.short())
}

/// The database server's authorities. Others are another Secret, and the pods roll.
#[must_use]
pub fn database_ca(content: Digest) -> String {
    format!("{DATABASE_CA_PREFIX}{}", content.short())
}

/// A relay login that changes is another immutable Secret, and the pods roll.
#[must_use]
pub fn smtp(content: Digest) -> String {
    format!("{SMTP_PREFIX}{}", content.short())
}

#[must_use]
pub fn is_smtp(name: &str) -> bool {
    name.starts_with(SMTP_PREFIX)
}

/// Copy of what opens a bundle's seal; only until it is loaded. Another key is another copy, and so another Job.
#[must_use]
pub fn bundle_key(content: Digest) -> String {
    format!("{BUNDLE_KEY_PREFIX}{}", content.short())
}

#[must_use]
pub fn is_bundle_key(name: &str) -> bool {
    name.starts_with(BUNDLE_KEY_PREFIX)
}

/// The S3 user that reads the bundle.
#[must_use]
pub fn bundle_reader(id: InstanceId) -> String {
    format!("{}-reader", id.resource_name())
}

/// Made for an export, whose own controller takes it away again.
#[must_use]
pub fn is_export(name: &str) -> bool {
    name.starts_with(EXPORT_PREFIX)
}

/// Of whose media host's certificate this is the name.
#[must_use]
pub fn owner_of_media_tls(name: &str) -> Option<InstanceId> {
    InstanceId::from_resource_name(name.strip_suffix(MEDIA_TLS_SUFFIX)?)
}

/// The media host's certificate, beside its Ingress in the gateway's namespace.
#[must_use]
pub fn media_tls(id: InstanceId) -> String {
    format!("{}{MEDIA_TLS_SUFFIX}", id.resource_name())
}
