//! `MastodonInstance`: the runtime state wanted for one server, and what was seen of it.

#![expect(clippy::duplicated_attributes, reason = "printed columns share their type")]

use std::collections::BTreeSet;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// One Mastodon server: its namespace, workloads, routes and what they need outside the cluster.
#[derive(CustomResource, KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[kube(
    group = "howdah.dev",
    version = "v1alpha1",
    kind = "MastodonInstance",
    plural = "mastodoninstances",
    shortname = "mi",
    category = "howdah",
    doc = "One Mastodon server: what is wanted of it, and what was seen.",
    status = "MastodonInstanceStatus",
    derive = "PartialEq",
    printcolumn(name = "Domain", type_ = "string", json_path = ".spec.domain"),
    printcolumn(name = "Version", type_ = "string", json_path = ".spec.version"),
    printcolumn(name = "Power", type_ = "string", json_path = ".spec.powerState"),
    printcolumn(name = "Ready", type_ = "string", json_path = ".status.conditions[?(@.type==\"Ready\")].status"),
    printcolumn(name = "Reason", type_ = "string", json_path = ".status.conditions[?(@.type==\"Ready\")].reason"),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp")
)]
// A rule on an optional field is skipped when the field comes or goes, so what may not change is compared on the whole spec.
#[x_kube(validation = Rule::new("self.id == oldSelf.id").message("id cannot change"))]
#[x_kube(validation = Rule::new("self.domain == oldSelf.domain").message("domain cannot change: other servers know its accounts by it"))]
#[x_kube(validation = Rule::new("has(self.webDomain) == has(oldSelf.webDomain) && (!has(self.webDomain) || self.webDomain == oldSelf.webDomain)").message("webDomain cannot change: other servers know its posts by it"))]
#[x_kube(validation = Rule::new("has(self.mediaDomain) == has(oldSelf.mediaDomain) && (!has(self.mediaDomain) || self.mediaDomain == oldSelf.mediaDomain)").message("mediaDomain cannot change: posts on other servers link to it"))]
#[x_kube(validation = Rule::new("self.identitySecretRef == oldSelf.identitySecretRef").message("identitySecretRef cannot change: a server has one identity for ever"))]
#[x_kube(validation = Rule::new("self.database == oldSelf.database").message("database cannot change: moving between servers is an operation"))]
#[x_kube(validation = Rule::new("self.objectStorage == oldSelf.objectStorage").message("objectStorage cannot change: moving between stores is an operation"))]
#[x_kube(validation = Rule::new("self.revision >= oldSelf.revision").message("revision cannot go back"))]
// `import` is a reserved word of CEL's, and `__import__` its escape.
#[x_kube(validation = Rule::new("has(self.bootstrap.__import__) == has(oldSelf.bootstrap.__import__)").message("bootstrap cannot change its kind: a server is new, or a bundle's"))]
#[x_kube(validation = Rule::new("!has(self.bootstrap.__import__) || self.bootstrap.__import__.id == oldSelf.bootstrap.__import__.id").message("bootstrap.import.id cannot change"))]
#[x_kube(validation = Rule::new("!has(self.bootstrap.__import__) || self.bootstrap.__import__.pass >= oldSelf.bootstrap.__import__.pass").message("bootstrap.import.pass cannot go back"))]
#[x_kube(validation = Rule::new("self.powerState != 'Rehearsal' || (has(self.bootstrap.__import__) && has(self.routing.previewHost))").message("a rehearsal is an import's, at its routing.previewHost"))]
#[x_kube(validation = Rule::new("self.powerState != 'Rehearsal' || oldSelf.powerState == 'Rehearsal'").message("a rehearsal cannot begin anew: what runs is not stopped by one"))]
#[x_kube(validation = Rule::new("!has(self.teardown) || self.teardown.confirm == self.id").message("teardown.confirm must repeat the id"))]
#[x_kube(validation = Rule::new("self.powerState == 'SelfDestruct' || oldSelf.powerState != 'SelfDestruct'").message("a self-destruct cannot be taken back: other servers have begun to delete this server's accounts"))]
#[x_kube(validation = Rule::new("self.powerState == 'MovedOut' || oldSelf.powerState != 'MovedOut'").message("what has moved out cannot come back: its data is destroyed"))]
#[x_kube(validation = Rule::new("self.powerState != 'MovedOut' || oldSelf.powerState in ['Suspended', 'MovedOut']").message("only what is suspended can have moved out"))]
#[x_kube(validation = Rule::new("self.powerState != 'MovedOut' || (has(self.teardown) && self.teardown.kind == 'MoveOut')").message("what has moved out needs a teardown of kind MoveOut: its data is destroyed"))]
#[serde(rename_all = "camelCase")]
pub struct MastodonInstanceSpec {
    /// UUID of the instance. Every name outside the cluster derives from it.
    #[schemars(length(equal = 36), regex(pattern = r"^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$"))]
    pub id: String,

    /// `LOCAL_DOMAIN`: the domain in people's handles. ASCII (punycode), lower case.
    #[schemars(length(min = 4, max = 253), regex(pattern = r"^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{0,61}[a-z0-9]$"))]
    pub domain: String,

    /// `WEB_DOMAIN`: where the server answers. Absent: the same as `domain`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 4, max = 253), regex(pattern = r"^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{0,61}[a-z0-9]$"))]
    pub web_domain: Option<String>,

    /// `S3_ALIAS_HOST`: where media is served. Absent: `media.` before the web domain.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 4, max = 253), regex(pattern = r"^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{0,61}[a-z0-9]$"))]
    pub media_domain: Option<String>,

    /// The record's revision that this spec was written from; echoed in `status.observedRevision`.
    #[schemars(range(min = 1))]
    pub revision: i64,

    /// Mastodon's version, `4.5.11` say.
    #[schemars(length(max = 32), regex(pattern = r"^[0-9]+\.[0-9]+\.[0-9]+$"))]
    pub version: String,

    pub image: Image,

    pub resources: Resources,

    #[serde(default)]
    pub power_state: PowerState,

    /// With `SelfDestruct`: passes are made until this time, and none without it. Whoever looks from outside renews it with each
    /// look that finds this server at its address, so that a farewell ends with the looks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub farewell_allowed_until: Option<Time>,

    /// With `MovedOut`: where its media is now, as `https://` and a host, perhaps with a folder; each file's path is appended. Absent: nobody
    /// has said yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(
        length(min = 12, max = 300),
        regex(
            pattern = r"^https://([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{0,61}[a-z0-9](/[A-Za-z0-9_~-][A-Za-z0-9._~-]*)*$"
        )
    )]
    pub media_redirect: Option<String>,

    /// A pod profile of the operator's configuration: node selector, tolerations, storage class, pull policy.
    #[serde(default = "default_placement")]
    #[schemars(length(min = 1, max = 63), regex(pattern = r"^[a-z0-9]([a-z0-9-]*[a-z0-9])?$"))]
    pub placement: String,

    pub bootstrap: Bootstrap,

    /// A new way in for the owner of a server that is set up. Absent: none is asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner_link: Option<OwnerLink>,

    /// A Secret in `howdah-inbox`; its keys are the environment variables' names.
    pub identity_secret_ref: SecretRef,

    pub database: DatabaseSpec,

    pub object_storage: ObjectStorageSpec,

    #[serde(default)]
    pub routing: Routing,

    /// A Secret in `howdah-inbox` with the relay's `SMTP_*` variables.
    pub smtp_ref: SecretRef,

    #[serde(default)]
    pub deletion_policy: DeletionPolicy,

    /// Only with this, seen before the deletion, are database, role, bucket and S3 user destroyed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub teardown: Option<Teardown>,
}

fn default_placement() -> String {
    "default".to_owned()
}

impl MastodonInstanceSpec {
    /// Where the server answers.
    #[must_use]
    pub fn web_domain(&self) -> &str {
        self.web_domain.as_deref().unwrap_or(&self.domain)
    }

    /// Where its media is served.
    #[must_use]
    pub fn media_domain(&self) -> String {
        self.media_domain.clone().unwrap_or_else(|| format!("media.{}", self.web_domain()))
    }

    /// Every host that this server claims, whether it is served yet or not.
    #[must_use]
    pub fn hosts(&self) -> BTreeSet<String> {
        let own = [self.domain.clone(), self.web_domain().to_owned(), self.media_domain()];
        own.into_iter().chain(self.routing.preview_host.clone()).collect()
    }
}

impl MastodonInstance {
    /// Who has what two claim (an id, a host): the one with the smaller seniority. It is the older, or of two of one second the
    /// one of the smaller name.
    #[must_use]
    pub fn seniority(&self) -> (Option<Time>, String) {
        (self.metadata.creation_timestamp.clone(), self.metadata.name.clone().unwrap_or_default())
    }
}

/// Images by process. A tag or a digest; production uses digests.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Image {
    /// Web, Sidekiq and Jobs.
    #[schemars(length(min = 1, max = 255))]
    pub mastodon: String,
    #[schemars(length(min = 1, max = 255))]
    pub streaming: String,
}

/// Numbers per process, already resolved from a plan.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Resources {
    pub web: WebResources,
    pub streaming: StreamingResources,
    pub sidekiq: SidekiqResources,
    pub scheduler: SchedulerResources,
    pub redis: RedisResources,
}

#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct WebResources {
    #[schemars(range(min = 1, max = 20))]
    pub replicas: i32,
    /// `WEB_CONCURRENCY`: Puma's processes a pod.
    #[schemars(range(min = 1, max = 16))]
    pub concurrency: i32,
    /// `MAX_THREADS`: Puma's threads a process.
    #[schemars(range(min = 1, max = 32))]
    pub threads: i32,
    #[serde(flatten)]
    pub process: ProcessResources,
}

#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct StreamingResources {
    #[schemars(range(min = 1, max = 20))]
    pub replicas: i32,
    /// `DB_POOL` of a streaming process.
    #[schemars(range(min = 1, max = 50))]
    pub db_pool: i32,
    #[serde(flatten)]
    pub process: ProcessResources,
}

#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SidekiqResources {
    #[schemars(range(min = 1, max = 20))]
    pub replicas: i32,
    #[schemars(range(min = 1, max = 100))]
    pub threads: i32,
    #[serde(flatten)]
    pub process: ProcessResources,
}

/// The one Sidekiq process that listens to `scheduler`.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SchedulerResources {
    #[schemars(range(min = 1, max = 100))]
    pub threads: i32,
    #[serde(flatten)]
    pub process: ProcessResources,
}

#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RedisResources {
    /// Size of the volume behind the append-only file. It counts when the volume is made; later it changes nothing.
    #[schemars(length(max = 20), regex(pattern = r"^[0-9]+(Ki|Mi|Gi|Ti)$"))]
    pub storage: String,
    #[serde(flatten)]
    pub process: ProcessResources,
}

/// What one pod asks for; memory is request and limit, CPU a request only.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ProcessResources {
    /// A Kubernetes quantity, `250m` say.
    #[schemars(length(max = 20), regex(pattern = r"^[0-9]+m?$"))]
    pub cpu: String,
    /// A Kubernetes quantity, `768Mi` say.
    #[schemars(length(max = 20), regex(pattern = r"^[0-9]+(Ki|Mi|Gi|Ti)$"))]
    pub memory: String,
}

#[derive(Serialize, Deserialize, Clone, Copy, Debug, Default, PartialEq, Eq, JsonSchema)]
pub enum PowerState {
    #[default]
    Running,
    /// Of an import: web alone, at its preview host, and nothing gets out. What is written in it is thrown away by the next pass.
    Rehearsal,
    /// A gate before web refuses customers' writes with 503. Reads, federation, sign-in, archives and moderation go on.
    ReadOnly,
    /// Web, streaming and Sidekiq are scaled to zero, so that nothing changes. Database, cache, media and routes stay: a gate answers 503
    /// everywhere, and other servers deliver again later.
    Suspended,
    /// Mastodon tells every server it knows to delete its accounts. Irreversible.
    SelfDestruct,
    /// Another host serves it. Nothing runs, and its data is destroyed, which `teardown` has to confirm; its media host stays and leads to
    /// `mediaRedirect`. Irreversible.
    MovedOut,
}

#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Bootstrap {
    /// A new server with one owner.
    #[serde(rename_all = "camelCase")]
    New {
        /// A Secret in `howdah-inbox` with the owner's name, address and set-password token; gone after bootstrap.
        owner_secret_ref: SecretRef,
    },
    /// The server that a bundle holds: its rows and its media. Its identity is in `identitySecretRef`.
    Import(ImportSpec),
}

#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[x_kube(validation = Rule::new("self.keySecretRef.name.endsWith('-key')").message("keySecretRef.name must end with -key: the operator deletes no other Secret of the inbox"))]
#[serde(rename_all = "camelCase")]
pub struct ImportSpec {
    /// UUID of the import. What is loaded is marked with it and with `pass`.
    #[schemars(length(equal = 36), regex(pattern = r"^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$"))]
    pub id: String,
    /// Where the bundle lies in the platform's bucket of bundles. Without slashes at its ends.
    #[schemars(length(min = 1, max = 200), regex(pattern = r"^[A-Za-z0-9_-][A-Za-z0-9._-]*(/[A-Za-z0-9_-][A-Za-z0-9._-]*)*$"))]
    pub prefix: String,
    /// SHA-256 of the bundle's `MANIFEST.json`, and so of all that it names: another one is not loaded, whoever put it there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(equal = 64), regex(pattern = r"^[0-9a-f]{64}$"))]
    pub manifest_sha256: Option<String>,
    /// A Secret in `howdah-inbox` with what opens the bundle's seal; gone once the last pass is loaded.
    pub key_secret_ref: SecretRef,
    /// A greater one than was loaded: the database is loaded anew, and what was written in the rehearsal before it is thrown away.
    #[schemars(range(min = 1, max = 1000))]
    pub pass: i32,
}

impl ImportSpec {
    /// What a database that this pass was loaded into is marked with.
    #[must_use]
    pub fn mark(&self) -> String {
        format!("{}/{}", self.id, self.pass)
    }
}

/// A new set-password link for the account that the owner was given at the beginning.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[x_kube(validation = Rule::new("self.secretRef.name.endsWith('-owner')").message("secretRef.name must end with -owner: the operator deletes no other Secret of the inbox"))]
#[serde(rename_all = "camelCase")]
pub struct OwnerLink {
    /// A Secret in `howdah-inbox` with the account's name and the new token; gone once Mastodon takes the token.
    pub secret_ref: SecretRef,
    /// When the token was made: which one it is. `status.ownerLinkIssued` says the same once Mastodon takes it.
    pub issued: Time,
}

/// A Secret in `howdah-inbox`.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SecretRef {
    #[schemars(length(min = 1, max = 253), regex(pattern = r"^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$"))]
    pub name: String,
}

#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DatabaseSpec {
    /// A database server of the operator's configuration.
    #[schemars(length(min = 1, max = 63), regex(pattern = r"^[a-z0-9]([a-z0-9-]*[a-z0-9])?$"))]
    pub server: String,
}

#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ObjectStorageSpec {
    /// An object store of the operator's configuration.
    #[schemars(length(min = 1, max = 63), regex(pattern = r"^[a-z0-9]([a-z0-9-]*[a-z0-9])?$"))]
    pub store: String,
}

#[derive(Serialize, Deserialize, Clone, Debug, Default, PartialEq, Eq, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Routing {
    /// Ingresses and certificates exist only with this: an own domain is served after its proof, never before.
    #[serde(default)]
    pub enabled: bool,
    /// Where a rehearsal is looked at: a host below one of the platform's domains.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 4, max = 253), regex(pattern = r"^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{0,61}[a-z0-9]$"))]
    pub preview_host: Option<String>,
}

#[derive(Serialize, Deserialize, Clone, Copy, Debug, Default, PartialEq, Eq, JsonSchema)]
pub enum DeletionPolicy {
    /// Deleting the resource keeps database, role, bucket and S3 user.
    #[default]
    Retain,
}

#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Teardown {
    pub kind: TeardownKind,
    /// Repeats `spec.id`.
    #[schemars(length(max = 36))]
    pub confirm: String,
}

#[derive(Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq, JsonSchema)]
pub enum TeardownKind {
    /// Another host serves the domain.
    MoveOut,
    /// Nobody will serve the domain again.
    Close,
    /// Our copy is deleted and nothing is announced.
    Remove,
}

#[derive(Serialize, Deserialize, Clone, Debug, Default, PartialEq, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct MastodonInstanceStatus {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// `spec.revision` of the spec that the rest of this status is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_revision: Option<i64>,
    /// The version whose `db:prepare` is done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 32))]
    pub schema_version: Option<String>,
    /// [`ImportSpec::mark`] of the pass whose rows and media are loaded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 64))]
    pub loaded: Option<String>,
    /// `spec.ownerLink.issued` of the last token that was given to Mastodon.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner_link_issued: Option<Time>,
    /// The version whose schema and workloads are in place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 32))]
    pub version: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub endpoints: Option<Endpoints>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub usage: Option<InstanceUsage>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub farewell: Option<Farewell>,
    #[serde(default)]
    #[schemars(length(max = 32))]
    pub conditions: Vec<Condition>,
}

#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Endpoints {
    /// `https://` and the web domain.
    #[schemars(length(max = 300))]
    pub web: String,
    /// `https://` and the media domain.
    #[schemars(length(max = 300))]
    pub media: String,
}

/// Measured hourly with the tenant's own role.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct InstanceUsage {
    pub database_bytes: i64,
    pub own_media_bytes: i64,
    pub cached_media_bytes: i64,
    /// Confirmed local accounts with a user.
    pub users: i64,
    /// RFC 3339, UTC.
    #[schemars(length(max = 40))]
    pub measured_at: String,
}

/// How far a self-destruct is, as `tootctl self-destruct` prints it.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Farewell {
    pub stage: FarewellStage,
    /// Accounts that are still pending deletion; 0 once only notices are left.
    pub pending_accounts: i64,
}

#[derive(Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq, JsonSchema)]
pub enum FarewellStage {
    /// Accounts are still pending deletion.
    Accounts,
    /// Notices are queued or being retried.
    Notices,
    /// Every deletion notice has been sent.
    Sent,
}
