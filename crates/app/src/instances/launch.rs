//! A launch: from what was typed to a row that a job makes true, in one transaction.

use howdah_db::models::account::Account;
use howdah_db::models::domain::Domain;
use howdah_db::models::instance::{Instance, NewInstance, StandingColumns};
use howdah_db::models::name_claim::NameClaim;
use howdah_db::models::owner_bootstrap::NewOwnerBootstrap;
use howdah_db::models::place::{Cluster, DatabaseServer, ObjectStore};
use howdah_db::{Conn, QueryErrorExt};
use howdah_domain::billing;
use howdah_domain::instance::launch::{LaunchFacts, LaunchVerdict, launch_verdict};
use howdah_domain::lifecycle::Standing;
use howdah_domain::{
    AddressKind, Desired, DomainId, EmailAddress, FediverseDomain, InstanceId, OperationId, OperationKind, Plan, Release, ServerAddress,
    Username,
};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::json;
use uuid::Uuid;

use super::{audit, audit_actor};
use crate::billing::TERMS;
use crate::idempotency::{Idempotent, Once, claim, keep};
use crate::jobs::{SyncInstance, manifest};
use crate::sealed::{self, Kind, Variables};
use crate::settings::PlatformSettings;
use crate::{Actor, App, Error, FieldError, identity, operations, settings};

/// As it was typed.
#[derive(Debug, Clone, Default)]
pub struct LaunchRequest {
    pub domain: String,
    /// Where the server answers, if not at `domain`.
    pub web_domain: Option<String>,
    pub plan: String,
    pub owner_username: String,
    pub owner_email: String,
    /// For operators: a cluster by its name.
    pub cluster: Option<String>,
    /// The customer may use Mastodon's trademark in a domain of their own.
    pub trademark_permission: bool,
    /// The customer knows that other servers remember an earlier server's farewell from this domain.
    pub remnants_known: bool,
}

/// What a launch has begun.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Launched {
    pub instance: InstanceId,
    pub operation: OperationId,
}

/// What was asked for, made of legal parts.
#[derive(Debug)]
pub(crate) struct NewServer<'a> {
    pub address: ServerAddress,
    pub plan: &'a Plan,
    pub release: &'a Release,
    pub origin: Origin,
    pub cluster: Option<&'a str>,
    pub remnants_known: bool,
    /// A server that is going: it counts no more, and its names are this one's, which is not begun before it is gone.
    pub in_place_of: Option<Uuid>,
}

/// What a server comes from.
#[derive(Debug)]
pub(crate) enum Origin {
    /// Nothing: its first account is made for its owner.
    New { username: Username, email: EmailAddress },
    /// A bundle: it goes on being who it was. `key` opens the bundle's seal; empty where it has none.
    Bundle { identity: Redacted, key: SecretString },
}

/// An identity, which no log shows.
pub(crate) struct Redacted(pub Variables);

impl std::fmt::Debug for Redacted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Redacted")
    }
}

impl Origin {
    const fn kind(&self) -> OperationKind {
        match self {
            Self::New { .. } => OperationKind::Create,
            Self::Bundle { .. } => OperationKind::Import,
        }
    }
}

/// # Errors
/// [`Error::Invalid`] with every field that is wrong; [`Error::Conflict`] for a name that is taken; [`Error::Closed`],
/// [`Error::LimitReached`], [`Error::NoRoom`].
pub async fn launch(
    app: &App,
    actor: &Actor,
    request: &LaunchRequest,
    idempotent: Option<Idempotent<'_, Launched>>,
) -> Result<Once<Launched>, Error> {
    actor.may_change()?;
    if request.cluster.is_some() {
        actor.may_operate()?;
    }
    let server = parse(app, request)?;
    let mut conn = app.conn().await?;
    howdah_db::transaction(&mut conn, async |conn| {
        if let Some(before) = claim(app, conn, idempotent).await? {
            return Ok(before);
        }
        let launched = record(app, conn, actor, &server).await?;
        keep(conn, idempotent, launched).await
    })
    .await
}

fn parse<'a>(app: &'a App, request: &'a LaunchRequest) -> Result<NewServer<'a>, Error> {
    let release = app.releases.default_release().ok_or_else(|| Error::internal("the catalogue of releases has no default"))?;
    let mut fields = Vec::new();
    let address = ServerAddress::parse(&request.domain, request.web_domain.as_deref(), &app.config.names)
        .map_err(|it| fields.push(FieldError::of(it.field, &it.error)));
    if let Ok(address) = &address {
        fields.extend(trademark(address, request.trademark_permission));
    }
    let plan = app.plans.get(&request.plan).ok_or_else(|| fields.push(unknown_plan(app, &request.plan)));
    let username = request.owner_username.parse().map_err(|it| fields.push(FieldError::of("owner.username", &it)));
    let email = request.owner_email.parse().map_err(|it| fields.push(FieldError::of("owner.email", &it)));
    match (address, plan, username, email) {
        (Ok(address), Ok(plan), Ok(username), Ok(email)) if fields.is_empty() => {
            let cluster = request.cluster.as_deref();
            let origin = Origin::New { username, email };
            Ok(NewServer { address, plan, release, origin, cluster, remnants_known: request.remnants_known, in_place_of: None })
        }
        _ => Err(Error::Invalid { fields }),
    }
}

pub(crate) fn unknown_plan(app: &App, typed: &str) -> FieldError {
    let known: Vec<&str> = app.plans.iter().map(|it| it.id.as_str()).collect();
    let typed: String = typed.chars().take(80).collect();
    let sentence = format!("There is no plan “{typed}”. Choose one of {}.", known.join(", "));
    FieldError { field: "plan", reason: "unknown_plan", sentence }
}

/// A domain of the customer's own may carry the trademark only with permission, which is theirs to have.
pub(crate) fn trademark(address: &ServerAddress, has_permission: bool) -> Option<FieldError> {
    let asks = |it: &FediverseDomain| it.asks_about_trademark();
    let is_asked = address.kind == AddressKind::Own && (asks(&address.local_domain) || asks(&address.web_domain));
    (is_asked && !has_permission).then(|| FieldError {
        field: "domain",
        reason: "trademark",
        sentence: format!(
            "“{}” contains a trademark of Mastodon gGmbH. Use another domain, or confirm that you have their permission.",
            address.local_domain
        ),
    })
}

/// The row, its names, its secrets, the operation and the job, in the caller's transaction.
pub(crate) async fn record(app: &App, conn: &mut Conn, actor: &Actor, server: &NewServer<'_>) -> Result<Launched, Error> {
    let now = app.now();
    let platform = settings::read(conn).await?;
    let standing = platform.standing_at_launch(app);
    let desired = desired(app, conn, actor, &platform, &standing, server.in_place_of.is_some()).await?;
    check_remnants(conn, server).await?;
    let places = places(conn, server.cluster).await?;
    let id = InstanceId::generate(now, &*app.randomness);
    let (image_mastodon, image_streaming) = app.config.images_of(server.release);
    let slug = free_slug(conn, &server.address, id).await?;
    let address = &server.address;
    let row = NewInstance {
        id: id.as_uuid(),
        account_id: actor.account.as_uuid(),
        slug: &slug,
        domain: address.local_domain.as_str(),
        web_domain: address.web_domain.as_str(),
        media_domain: address.media_domain.as_str(),
        on_platform_domain: matches!(address.kind, AddressKind::Platform { .. }),
        plan: &server.plan.id,
        version: &server.release.version.to_string(),
        image_mastodon: &image_mastodon,
        image_streaming: &image_streaming,
        desired: desired.into(),
        standing: StandingColumns::from(&standing),
        revision: 1,
        cluster_id: places.cluster.id,
        database_server_id: places.database_server.id,
        object_store_id: places.object_store.id,
        created_at: now,
        updated_at: now,
    };
    let row = row.insert(conn).await.map_err(|it| taken(it, address))?;
    let hosts: Vec<&str> = address.hosts().into_iter().map(FediverseDomain::as_str).collect();
    if let Some(going) = server.in_place_of {
        NameClaim::release(conn, going).await?;
    }
    NameClaim::claim(conn, row.id, &hosts, now).await.map_err(|it| taken(it, address))?;
    for domain in address.to_be_proven() {
        ask_for_proof(app, conn, actor, domain).await?;
    }
    seal_secrets(app, conn, id, server).await?;
    let operation = operations::begin(app, conn, id, server.origin.kind(), Some(actor.person)).await?;
    SyncInstance::of(id.as_uuid()).enqueue(conn).await?;
    let details = json!({"domain": row.domain, "plan": row.plan, "desired": desired.as_str(), "standing": standing.as_str()});
    audit(app, conn, audit_actor(actor), "instance.launch", &row, details).await?;
    Ok(Launched { instance: id, operation })
}

/// Names of the customer's own come back after a Close; but what other servers were told can't be taken back.
async fn check_remnants(conn: &mut Conn, server: &NewServer<'_>) -> Result<(), Error> {
    if server.remnants_known || !has_remnants(conn, &server.address).await? {
        return Ok(());
    }
    let sentence =
        format!("{} Launch here all the same only if you can live with that, and confirm that you know.", remnants(&server.address));
    Err(Error::invalid("remnants_known", "remnants", sentence))
}

/// A server was closed here before, with a farewell. The platform's own names don't come back.
pub(super) async fn has_remnants(conn: &mut Conn, address: &ServerAddress) -> Result<bool, Error> {
    Ok(address.kind == AddressKind::Own
        && Instance::said_farewell_from(conn, &[address.local_domain.as_str(), address.web_domain.as_str()]).await?)
}

/// What that means for a new one.
pub(super) fn remnants(address: &ServerAddress) -> String {
    format!(
        "A server at “{}” was closed here before and said farewell: other servers were told that its accounts are gone for ever, and \
         many of them will not believe new ones at this address, of the same name above all.",
        address.local_domain
    )
}

/// What policy says of this launch. The account's row stays locked, so that two launches at once count each other.
async fn desired(
    app: &App,
    conn: &mut Conn,
    actor: &Actor,
    platform: &PlatformSettings,
    standing: &Standing,
    replaces: bool,
) -> Result<Desired, Error> {
    let account = Account::lock(conn, actor.account.as_uuid()).await?.ok_or(Error::NotFound { what: "account" })?;
    let facts = TERMS.facts(standing.clone(), None, app.now());
    let facts = LaunchFacts {
        by_operator: actor.operates(),
        new_servers: platform.new_servers,
        public_sentence: &platform.new_servers_sentence,
        servers: Instance::count_of_account(conn, account.id).await? - i64::from(replaces),
        servers_allowed: account.servers_allowed.unwrap_or(platform.servers_per_account).into(),
        access: billing::access(&facts).access,
    };
    match launch_verdict(&facts) {
        LaunchVerdict::Run => Ok(Desired::Running),
        LaunchVerdict::Hold { by, .. } => Ok(Desired::Suspended { by }),
        LaunchVerdict::Refuse { reason: "limit_reached", sentence } => Err(Error::LimitReached { sentence }),
        LaunchVerdict::Refuse { sentence, .. } => Err(Error::Closed { sentence }),
    }
}

struct Places {
    cluster: Cluster,
    database_server: DatabaseServer,
    object_store: ObjectStore,
}

/// Where the server goes: the default places, with room for one more.
async fn places(conn: &mut Conn, cluster: Option<&str>) -> Result<Places, Error> {
    let cluster = match cluster {
        Some(name) => {
            let sentence = format!("There is no cluster “{}”.", name.chars().take(80).collect::<String>());
            Cluster::by_name(conn, name).await?.ok_or_else(|| Error::invalid("cluster", "unknown_cluster", sentence))?
        }
        None => Cluster::default_locked(conn).await?.ok_or(Error::NoRoom)?,
    };
    let database_server = DatabaseServer::default_locked(conn).await?.ok_or(Error::NoRoom)?;
    let object_store = ObjectStore::default_locked(conn).await?.ok_or(Error::NoRoom)?;
    let taken = [
        (Cluster::servers(conn, cluster.id).await?, cluster.capacity),
        (DatabaseServer::servers(conn, database_server.id).await?, database_server.capacity),
        (ObjectStore::servers(conn, object_store.id).await?, object_store.capacity),
    ];
    if taken.iter().any(|(servers, capacity)| *servers >= i64::from(*capacity)) {
        return Err(Error::NoRoom);
    }
    Ok(Places { cluster, database_server, object_store })
}

/// The server's name in the dashboard's addresses: the platform's label, or the own domain with hyphens for dots.
async fn free_slug(conn: &mut Conn, address: &ServerAddress, id: InstanceId) -> Result<String, Error> {
    let wanted = match &address.kind {
        AddressKind::Platform { slug } => slug.to_string(),
        AddressKind::Own => address.local_domain.as_str().replace('.', "-").chars().take(50).collect(),
    };
    if Instance::by_slug(conn, &wanted).await?.is_none() {
        return Ok(wanted);
    }
    let tail: String = id.resource_name().chars().rev().take(6).collect();
    Ok(format!("{}-{tail}", wanted.trim_end_matches('-')))
}

fn taken(error: howdah_db::QueryError, address: &ServerAddress) -> Error {
    if error.unique_violation().is_none() {
        return error.into();
    }
    Error::Conflict { reason: "name_taken", sentence: name_taken(address) }
}

/// The same whoever holds it, and for whatever.
pub(super) fn name_taken(address: &ServerAddress) -> String {
    let domain = &address.local_domain;
    match address.kind {
        AddressKind::Platform { .. } => format!("“{domain}” is taken. Please choose another name."),
        AddressKind::Own => format!("“{domain}” is already the address of a server here. If it is yours, write to the support."),
    }
}

async fn ask_for_proof(app: &App, conn: &mut Conn, actor: &Actor, domain: &FediverseDomain) -> Result<(), Error> {
    let now = app.now();
    let row = Domain {
        id: DomainId::generate(now, &*app.randomness).as_uuid(),
        account_id: actor.account.as_uuid(),
        name: domain.to_string(),
        proof_token: format!("howdah-proof={}", identity::new_token(&*app.randomness)),
        proven_at: None,
        checked_at: None,
        last_records: json!({}),
        created_at: now,
    };
    row.find_or_insert(conn).await?;
    Ok(())
}

async fn seal_secrets(app: &App, conn: &mut Conn, id: InstanceId, server: &NewServer<'_>) -> Result<(), Error> {
    let (uuid, now) = (id.as_uuid(), app.now());
    let relay = app.config.relay.login_of(id, &*app.randomness);
    sealed::seal(conn, &app.keys, uuid, Kind::Smtp, &relay, now).await?;
    match &server.origin {
        Origin::Bundle { identity, key } => {
            sealed::seal(conn, &app.keys, uuid, Kind::Identity, &identity.0, now).await?;
            let key = manifest::bundle_key(key.expose_secret());
            sealed::seal(conn, &app.keys, uuid, Kind::BundleKey, &key, now).await?;
        }
        Origin::New { username, email } => {
            let identity = identity::new_identity(server.release.needs_otp_secret, &*app.randomness);
            sealed::seal(conn, &app.keys, uuid, Kind::Identity, &identity, now).await?;
            first_owner(app, conn, id, username, email).await?;
        }
    }
    Ok(())
}

async fn first_owner(app: &App, conn: &mut Conn, id: InstanceId, username: &Username, email: &EmailAddress) -> Result<(), Error> {
    let token = identity::new_token(&*app.randomness);
    let owner = NewOwnerBootstrap {
        instance_id: id.as_uuid(),
        username: username.as_str(),
        email: email.as_str(),
        token: token.as_bytes(),
        issued_at: app.now(),
    };
    owner.insert(conn, &app.keys).await?;
    Ok(())
}
