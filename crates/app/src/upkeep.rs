//! What the operator of the installation looks at and puts right on the machine itself (`howdah admin …`): settings, orphans, the
//! audit's chains and anchors, the keys that the sealed columns are wrapped with, how many servers an account may have, a second factor that
//! was lost.
//!
//! Whoever runs it can read the configuration, and with it everything; the audit says that it was done at the machine.

use chrono::{DateTime, TimeDelta, Utc};
use howdah_db::Conn;
use howdah_db::models::account::{Account, Membership};
use howdah_db::models::audit::{self, Actor as AuditActor, Broken, Record};
use howdah_db::models::audit_anchor::{self, Anchor, Torn};
use howdah_db::models::export_bucket::ExportBucket;
use howdah_db::models::final_bundle::FinalBundle;
use howdah_db::models::identity::{SealedError, rewrap_data_keys};
use howdah_db::models::import_pull::ImportPull;
use howdah_db::models::orphan::Orphan;
use howdah_db::models::passkey::Passkey;
use howdah_db::models::person::Person;
use howdah_db::models::place::Cluster;
use howdah_db::models::second_factor::{RecoveryCode, SecondFactor};
use howdah_domain::EmailAddress;
use serde_json::json;
use uuid::Uuid;

use crate::mails::{self, To};
use crate::people::{chain_of, record};
use crate::settings::{self, PlatformSettings, SettingsChange};
use crate::{App, Error, FieldError};

/// Of an anchor: there is one every hour.
const LATE: TimeDelta = TimeDelta::hours(2);
/// Data keys that are wrapped anew in one transaction.
const AT_ONCE: i64 = 100;

/// Changes what `edit` changes of the settings as they are.
///
/// # Errors
/// [`Error::Invalid`]; [`Error::PreconditionFailed`] where somebody else changed them at the same time.
pub async fn change_settings(app: &App, edit: impl FnOnce(&mut SettingsChange)) -> Result<PlatformSettings, Error> {
    let current = settings::current(app).await?;
    let mut change = SettingsChange::from(&current);
    edit(&mut change);
    settings::write(app, AuditActor::Platform, current.revision, &change).await
}

/// Where the record and a cluster do not match, as the last resync found it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrphanView {
    pub cluster: String,
    /// `resource_without_row` or `row_without_resource`.
    pub kind: String,
    pub name: String,
    pub found_at: DateTime<Utc>,
}

/// # Errors
/// The record's.
pub async fn orphans(app: &App) -> Result<Vec<OrphanView>, Error> {
    let mut conn = app.conn().await?;
    let clusters = Cluster::all(&conn).await?;
    let name_of = |id: Uuid| clusters.iter().find(|it| it.id == id).map_or_else(|| id.to_string(), |it| it.name.clone());
    let found = Orphan::all(&mut conn).await?;
    let view = |it: Orphan| OrphanView { cluster: name_of(it.cluster_id), kind: it.kind, name: it.name, found_at: it.found_at };
    Ok(found.into_iter().map(view).collect())
}

/// Walks every chain of the audit from its first entry to its head: how many chains and entries there are, and what is broken.
///
/// # Errors
/// The record's.
pub async fn verify_audit(app: &App) -> Result<(usize, i64, Vec<Broken>), Error> {
    let mut conn = app.conn().await?;
    let chains = audit::chains(&mut conn).await?;
    let (mut entries, mut broken) = (0, Vec::new());
    for chain in &chains {
        match audit::verify(&mut conn, *chain).await? {
            Ok(length) => entries += length,
            Err(fault) => broken.push(fault),
        }
    }
    Ok((chains.len(), entries, broken))
}

/// Holds every anchor of the audit against its chains as they are, and those that were kept elsewhere against the record's: how many hold, and
/// what does not.
///
/// # Errors
/// The record's.
pub async fn verify_anchors(app: &App, kept: &[Anchor]) -> Result<(usize, Vec<Torn>), Error> {
    Ok(audit_anchor::verify(&mut *app.conn().await?, kept).await?)
}

/// Why the audit is not anchored any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unanchored {
    #[error("the newest anchor, of {0}, lies in the future: a clock was wrong, or somebody wrote it to stop the next ones")]
    Future(DateTime<Utc>),
    #[error("nothing was anchored since {0}: see whether `howdah worker` runs, and what its log says of the audit")]
    Late(DateTime<Utc>),
}

/// Whether the worker still anchors the audit every hour.
///
/// # Errors
/// The record's.
pub async fn verify_anchoring(app: &App) -> Result<Result<(), Unanchored>, Error> {
    let mut conn = app.conn().await?;
    let Some(first) = audit_anchor::first_entry_at(&mut conn).await? else { return Ok(Ok(())) };
    let last = audit_anchor::last_at(&mut conn).await?.unwrap_or(first);
    Ok(match app.now() {
        now if last > now + audit_anchor::SKEW => Err(Unanchored::Future(last)),
        now if last < now - LATE => Err(Unanchored::Late(last)),
        _ => Ok(()),
    })
}

/// Wraps every data key with the key file's first key. Only then may an old key leave the file.
///
/// # Errors
/// [`Error::Internal`] where a key doesn't open with the key file.
pub async fn rewrap_keys(app: &App) -> Result<usize, Error> {
    let mut conn = app.conn().await?;
    let mut all = 0;
    loop {
        let count = howdah_db::transaction(&mut conn, async |conn| {
            let servers = rewrap_data_keys(conn, &app.keys, app.now(), AT_ONCE).await?;
            let people = SecondFactor::rewrap(conn, &app.keys, AT_ONCE).await?;
            let pulls = ImportPull::rewrap(conn, &app.keys, AT_ONCE).await?;
            let buckets = ExportBucket::rewrap(conn, &app.keys, AT_ONCE).await?;
            Ok::<_, SealedError>(servers + people + pulls + buckets + FinalBundle::rewrap(conn, &app.keys, AT_ONCE).await?)
        })
        .await?;
        if count == 0 {
            return Ok(all);
        }
        all += count;
    }
}

/// How many servers the first account of this person may have; `None`: as the settings say.
///
/// # Errors
/// [`Error::Invalid`], [`Error::NotFound`].
pub async fn allow_servers(app: &App, email: &str, servers: Option<i32>) -> Result<(), Error> {
    let email: EmailAddress = email.parse().map_err(|it| Error::Invalid { fields: vec![FieldError::of("email", &it)] })?;
    if servers.is_some_and(|it| it < 0) {
        return Err(Error::invalid("servers_allowed", "too_small", "An account may have 0 servers or more."));
    }
    let mut conn = app.conn().await?;
    howdah_db::transaction(&mut conn, async |conn| {
        let person = Person::by_email(conn, &email.for_lookup()).await?.ok_or(Error::NotFound { what: "person" })?;
        let accounts = Membership::of_person(conn, person.id).await?;
        let (_, account) = accounts.into_iter().find(|(it, _)| it.role == "owner").ok_or(Error::NotFound { what: "account" })?;
        allow(app, conn, account.id, servers).await
    })
    .await
}

/// To come last in its transaction.
pub(crate) async fn allow(app: &App, conn: &mut Conn, account: Uuid, servers: Option<i32>) -> Result<(), Error> {
    Account::allow_servers(conn, account, servers).await?;
    let details = json!({"servers_allowed": servers});
    record(app, conn, account, AuditActor::Platform, "account.servers_allowed", ("account", account), details).await
}

/// Takes a second factor away from somebody who has lost it, app, passkeys and recovery codes, and tells them.
///
/// # Errors
/// [`Error::Invalid`], [`Error::NotFound`], [`Error::Conflict`] where none is on.
pub async fn remove_second_factor(app: &App, email: &str) -> Result<(), Error> {
    let email: EmailAddress = email.parse().map_err(|it| Error::Invalid { fields: vec![FieldError::of("email", &it)] })?;
    let mut conn = app.conn().await?;
    howdah_db::transaction(&mut conn, async |conn| {
        let person = Person::by_email(conn, &email.for_lookup()).await?.ok_or(Error::NotFound { what: "person" })?;
        Person::lock(conn, person.id).await?.ok_or(Error::NotFound { what: "person" })?;
        let had_app = SecondFactor::remove(conn, person.id).await?;
        let passkeys = Passkey::remove_all(conn, person.id).await?;
        if !had_app && passkeys == 0 {
            return Err(Error::Conflict { reason: "second_factor_off", sentence: format!("{email} has no second factor.") });
        }
        RecoveryCode::remove_all(conn, person.id).await?;
        let mail = mails::second_factor_removed(&app.config, app.now(), passkeys > 0);
        mails::put(app, conn, &mail, &To { email: &person.email, person: Some(person.id), ..To::default() }).await?;
        let record = Record {
            chain_id: chain_of(conn, person.id).await?,
            at: app.now(),
            actor: AuditActor::Platform,
            action: "second_factor.remove",
            subject_kind: "person",
            subject_id: Some(person.id),
            details: json!({"by": "howdah admin", "passkeys": passkeys}),
        };
        record.insert(conn).await?;
        Ok(())
    })
    .await
}
