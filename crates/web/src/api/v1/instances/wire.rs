//! Servers as they go over the wire.

use chrono::{DateTime, Utc};
use howdah_app::instances::{AddressView, InstanceView, LaunchRequest, Launched, LeavingView, ProofView, RecordView};
use howdah_domain::{Desired, InstanceId, OperationId, Standing, Usage};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::api::v1::operations::wire::{Operation, operation_url};
use crate::api::words;

pub fn instance_url(id: InstanceId) -> String {
    format!("/api/v1/instances/{id}")
}

/// A server to launch.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewInstance {
    /// The domain in people's handles: a name under one of the platform's domains, or a domain of your own. It is for ever.
    #[schema(min_length = 1, max_length = 1000, example = "birds.example")]
    domain: String,
    /// Where the server answers, if not at `domain`. It is for ever.
    #[serde(default)]
    #[schema(max_length = 1000)]
    web_domain: Option<String>,
    /// A plan's id.
    #[schema(min_length = 1, max_length = 100, example = "small")]
    plan: String,
    owner: NewOwner,
    /// For operators: a cluster by its name.
    #[serde(default)]
    #[schema(max_length = 100)]
    cluster: Option<String>,
    /// You have the permission of Mastodon gGmbH to use their trademark in a domain of your own.
    #[serde(default)]
    trademark_permission: bool,
    /// You know that a server at this domain was closed here before with a farewell, and that other servers remember it. Asked for by
    /// the problem of a launch that is refused for it.
    #[serde(default)]
    remnants_known: bool,
}

/// Whose the server is: their account is made with it.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewOwner {
    /// Their username in Mastodon, by its rules: with `ada` they are `@ada@birds.example`.
    #[schema(min_length = 1, max_length = 100, example = "ada")]
    username: String,
    /// Their e-mail address, with which they sign in to the server.
    #[schema(min_length = 1, max_length = 1000, example = "ada@birds.example")]
    email: String,
}

impl From<NewInstance> for LaunchRequest {
    fn from(new: NewInstance) -> Self {
        Self {
            domain: new.domain,
            web_domain: new.web_domain,
            plan: new.plan,
            owner_username: new.owner.username,
            owner_email: new.owner.email,
            cluster: new.cluster,
            trademark_permission: new.trademark_permission,
            remnants_known: new.remnants_known,
        }
    }
}

/// A launch has begun.
#[derive(Debug, Serialize, ToSchema)]
pub struct LaunchedInstance {
    /// Of the server.
    id: Uuid,
    /// The server.
    #[schema(max_length = 200)]
    url: String,
    operation: OperationLink,
}

/// Where to follow an operation.
#[derive(Debug, Serialize, ToSchema)]
pub struct OperationLink {
    id: Uuid,
    #[schema(max_length = 200)]
    url: String,
    /// A stream of its events.
    #[schema(max_length = 200)]
    events_url: String,
}

impl From<OperationId> for OperationLink {
    fn from(id: OperationId) -> Self {
        let url = operation_url(id);
        Self { id: id.as_uuid(), events_url: format!("{url}/events"), url }
    }
}

impl From<&Launched> for LaunchedInstance {
    fn from(launched: &Launched) -> Self {
        Self { id: launched.instance.as_uuid(), url: instance_url(launched.instance), operation: launched.operation.into() }
    }
}

/// A change of a server was taken: look at the server for what became of it.
#[derive(Debug, Serialize, ToSchema)]
pub struct ChangedInstance {
    id: Uuid,
    #[schema(max_length = 200)]
    url: String,
    #[schema(max_length = 200)]
    operations_url: String,
}

impl From<InstanceId> for ChangedInstance {
    fn from(id: InstanceId) -> Self {
        let url = instance_url(id);
        Self { id: id.as_uuid(), operations_url: format!("{url}/operations"), url }
    }
}

/// A Close is confirmed by typing the server's domain again.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CloseRequest {
    /// The server's domain.
    #[serde(default)]
    #[schema(required = true, min_length = 1, max_length = 1000, example = "birds.example")]
    pub confirm: String,
    /// Keep no final bundle of it: nothing stays that the server could be brought back from.
    #[serde(default)]
    pub decline_final_bundle: bool,
}

/// A MoveOut is confirmed by typing the server's domain again.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MoveOutRequest {
    /// The server's domain.
    #[serde(default)]
    #[schema(required = true, min_length = 1, max_length = 1000, example = "birds.example")]
    pub confirm: String,
    /// Where its media is at the new host, where that is not under the media host's own name.
    #[serde(default)]
    #[schema(max_length = 300, example = "https://files.example.org/birds")]
    pub media_redirect: Option<String>,
}

/// Where the media of a server is that has moved.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MediaRedirect {
    /// `https://`, a host, and perhaps a folder: the path of each file is appended. `null`: nowhere.
    #[serde(default)]
    #[schema(max_length = 300, example = "https://files.example.org/birds")]
    pub media_redirect: Option<String>,
}

/// What can't be taken back later is confirmed by typing the server's domain again.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Confirmation {
    /// The server's domain.
    #[serde(default)]
    #[schema(required = true, min_length = 1, max_length = 1000, example = "birds.example")]
    pub confirm: String,
}

/// A server.
#[derive(Debug, Serialize, ToSchema)]
pub struct Instance {
    id: Uuid,
    #[schema(max_length = 200)]
    url: String,
    /// Whose it is.
    account_id: Uuid,
    /// Its name in the dashboard's addresses.
    #[schema(max_length = 63)]
    slug: String,
    /// In people's handles.
    #[schema(max_length = 253)]
    domain: String,
    /// Where it answers.
    #[schema(max_length = 253)]
    web_domain: String,
    #[schema(max_length = 63)]
    plan: String,
    /// What it is now, computed from everything that is known of it.
    #[schema(schema_with = words::phase)]
    phase: &'static str,
    /// The same in words.
    #[schema(max_length = 500)]
    phase_sentence: &'static str,
    desired: DesiredState,
    standing: BillingStanding,
    /// Mastodon's version that it shall have.
    #[schema(max_length = 32)]
    version: String,
    /// The version whose schema and workloads are in place.
    #[schema(max_length = 32)]
    running_version: Option<String>,
    addresses: Addresses,
    /// As it was measured last; none before the first measurement.
    usage: Option<InstanceUsage>,
    /// Where it is: for operators only.
    #[schema(max_length = 63)]
    cluster: Option<String>,
    /// The operation that is under way.
    operation: Option<Operation>,
    /// While it is being closed or removed.
    leaving: Option<Leaving>,
    /// Rises with every change of the record; also the `ETag`.
    #[schema(minimum = 1)]
    revision: i64,
    created_at: DateTime<Utc>,
}

/// What is wanted of a server.
#[derive(Debug, Serialize, ToSchema)]
pub struct DesiredState {
    #[schema(schema_with = words::desired)]
    kind: &'static str,
    /// Why it is held, where it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(schema_with = words::hold)]
    hold: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(schema_with = words::deletion)]
    deletion: Option<&'static str>,
    /// The end of the grace period before a deletion.
    #[serde(skip_serializing_if = "Option::is_none")]
    after: Option<DateTime<Utc>>,
}

/// What billing says of a server.
#[derive(Debug, Serialize, ToSchema)]
pub struct BillingStanding {
    #[schema(schema_with = words::standing)]
    kind: &'static str,
    /// Until when it is trialing, paid for or granted.
    #[serde(skip_serializing_if = "Option::is_none")]
    until: Option<DateTime<Utc>>,
    /// Since when it is past due, lapsed or cancelled.
    #[serde(skip_serializing_if = "Option::is_none")]
    since: Option<DateTime<Utc>>,
}

/// Where a server is, and what is still to be done for people to get there.
#[derive(Debug, Serialize, ToSchema)]
pub struct Addresses {
    #[schema(format = "uri", max_length = 300)]
    web: String,
    #[schema(format = "uri", max_length = 300)]
    media: String,
    /// It is the customer's own domain.
    is_own: bool,
    /// Every proof that it needs is there.
    is_proven: bool,
    /// TXT records that prove its domains to be the account's.
    #[schema(max_items = 4)]
    proofs: Vec<Proof>,
    /// Records that lead to it; none for a name under the platform's domains.
    #[schema(max_items = 64)]
    records: Vec<Record>,
    /// Whether the last look from outside found this server.
    leads_here: Option<bool>,
    /// Why not, as a machine reason.
    #[schema(max_length = 63)]
    reason: Option<String>,
    probed_at: Option<DateTime<Utc>>,
    first_answered_at: Option<DateTime<Utc>>,
}

/// A TXT record that proves a domain to be the account's.
#[derive(Debug, Serialize, ToSchema)]
pub struct Proof {
    #[schema(max_length = 253)]
    domain: String,
    /// Of the record.
    #[schema(max_length = 300)]
    name: String,
    /// Of the record.
    #[schema(max_length = 200)]
    value: String,
    proven_at: Option<DateTime<Utc>>,
    checked_at: Option<DateTime<Utc>>,
}

/// A DNS record.
#[derive(Debug, Serialize, ToSchema)]
pub struct Record {
    #[schema(max_length = 253)]
    name: String,
    #[serde(rename = "type")]
    #[schema(schema_with = words::record_kind)]
    kind: &'static str,
    #[schema(max_length = 300)]
    value: String,
}

/// What a server takes, measured hourly.
#[derive(Debug, Serialize, ToSchema)]
pub struct InstanceUsage {
    #[schema(minimum = 0)]
    database_bytes: i64,
    #[schema(minimum = 0)]
    own_media_bytes: i64,
    #[schema(minimum = 0)]
    cached_media_bytes: i64,
    /// Confirmed local accounts.
    #[schema(minimum = 0)]
    users: i64,
    measured_at: DateTime<Utc>,
}

/// A MoveOut, Close or Remove that was asked for.
#[derive(Debug, Serialize, ToSchema)]
pub struct Leaving {
    #[schema(schema_with = words::deletion)]
    kind: &'static str,
    /// The end of the grace period; of a MoveOut, which has none, when it was asked for.
    after: DateTime<Utc>,
    can_be_undone: bool,
    /// A final bundle is made of it before anything of it goes, or was.
    final_bundle: bool,
    /// Of a MoveOut that was handed over: when its data here goes.
    kept_until: Option<DateTime<Utc>>,
    /// And until when its media host leads to `media_redirect` then.
    moved_out_until: Option<DateTime<Utc>>,
    /// Of a MoveOut: where its media is at the new host.
    #[schema(format = "uri", max_length = 300)]
    media_redirect: Option<String>,
}

impl From<InstanceView> for Instance {
    fn from(view: InstanceView) -> Self {
        Self {
            id: view.id.as_uuid(),
            url: instance_url(view.id),
            account_id: view.account.as_uuid(),
            slug: view.slug,
            domain: view.domain,
            web_domain: view.web_domain,
            plan: view.plan,
            phase: view.phase.as_str(),
            phase_sentence: view.phase.sentence(),
            desired: view.desired.into(),
            standing: view.standing.into(),
            version: view.version,
            running_version: view.running_version,
            addresses: view.address.into(),
            usage: view.usage.map(Into::into),
            cluster: view.cluster,
            operation: view.operation.map(Into::into),
            leaving: view.leaving.map(Into::into),
            revision: view.revision,
            created_at: view.created_at,
        }
    }
}

impl From<Desired> for DesiredState {
    fn from(desired: Desired) -> Self {
        let (hold, deletion, after) = match desired {
            Desired::Running => (None, None, None),
            Desired::ReadOnly { by } | Desired::Suspended { by } => (Some(by.as_str()), None, None),
            Desired::Deleted { deletion, after } => (None, Some(deletion.as_str()), Some(after)),
        };
        Self { kind: desired.as_str(), hold, deletion, after }
    }
}

impl From<Standing> for BillingStanding {
    fn from(standing: Standing) -> Self {
        let (until, since) = match standing {
            Standing::Incomplete => (None, None),
            Standing::Trialing { until } | Standing::Current { until } => (Some(until), None),
            Standing::PastDue { since } | Standing::Lapsed { since } | Standing::Cancelled { at: since } => (None, Some(since)),
            Standing::Granted { until, .. } => (until, None),
        };
        Self { kind: standing.as_str(), until, since }
    }
}

impl From<AddressView> for Addresses {
    fn from(view: AddressView) -> Self {
        Self {
            web: view.web,
            media: view.media,
            is_own: view.is_own,
            is_proven: view.is_proven,
            proofs: view.proofs.into_iter().map(Into::into).collect(),
            records: view.records.into_iter().map(Into::into).collect(),
            leads_here: view.leads_here,
            reason: view.reason,
            probed_at: view.probed_at,
            first_answered_at: view.first_answered_at,
        }
    }
}

impl From<ProofView> for Proof {
    fn from(view: ProofView) -> Self {
        Self { domain: view.domain, name: view.name, value: view.value, proven_at: view.proven_at, checked_at: view.checked_at }
    }
}

impl From<RecordView> for Record {
    fn from(view: RecordView) -> Self {
        Self { name: view.name, kind: view.kind, value: view.value }
    }
}

impl From<Usage> for InstanceUsage {
    fn from(usage: Usage) -> Self {
        Self {
            database_bytes: usage.database_bytes,
            own_media_bytes: usage.own_media_bytes,
            cached_media_bytes: usage.cached_media_bytes,
            users: usage.users,
            measured_at: usage.measured_at,
        }
    }
}

impl From<LeavingView> for Leaving {
    fn from(view: LeavingView) -> Self {
        let LeavingView { deletion, after, can_be_undone, final_bundle, kept_until, moved_out_until, media_redirect } = view;
        Self { kind: deletion.as_str(), after, can_be_undone, final_bundle, kept_until, moved_out_until, media_redirect }
    }
}
