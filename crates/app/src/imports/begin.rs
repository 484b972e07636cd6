//! An import is begun: a place for a bundle that is brought, or one that lies here already.

use chrono::TimeDelta;
use howdah_db::Conn;
use howdah_db::models::account::Account;
use howdah_db::models::export::Export;
use howdah_db::models::import::Import;
use howdah_db::models::instance::Instance;
use howdah_domain::{ExportId, ImportId};
use serde_json::json;

use crate::exports;
use crate::idempotency::{Idempotent, Once, claim, keep};
use crate::instances::audit_actor;
use crate::{Actor, App, Error};

/// How long what was brought waits for its server.
const KEPT: TimeDelta = TimeDelta::days(30);
/// Of one account, at a time: each is a place to put terabytes.
const MOST_OPEN: i64 = 5;

/// Where the bundle is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ImportSource {
    /// With whoever brings it, or somewhere that it is pulled from.
    Upload,
    /// Here: an export of a server of the same account, that is whole and kept.
    Export(ExportId),
}

impl ImportSource {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Upload => "upload",
            Self::Export(_) => "export",
        }
    }
}

/// # Errors
/// [`Error::Conflict`] where this platform takes no bundles, or the account has many that wait; [`Error::NotFound`] for an export that
/// the account doesn't have.
pub async fn begin(
    app: &App,
    actor: &Actor,
    source: ImportSource,
    idempotent: Option<Idempotent<'_, ImportId>>,
) -> Result<Once<ImportId>, Error> {
    actor.may_change()?;
    if app.bundles.is_none() {
        let sentence = "This platform takes in no bundles by itself: write to the support.".to_owned();
        return Err(Error::Conflict { reason: "no_imports", sentence });
    }
    let mut conn = app.conn().await?;
    howdah_db::transaction(&mut conn, async |conn| {
        if let Some(before) = claim(app, conn, idempotent).await? {
            return Ok(before);
        }
        let id = insert(app, conn, actor, source).await?;
        keep(conn, idempotent, id).await
    })
    .await
}

async fn insert(app: &App, conn: &mut Conn, actor: &Actor, source: ImportSource) -> Result<ImportId, Error> {
    // So that two that are begun at once count each other.
    Account::lock(conn, actor.account.as_uuid()).await?;
    if Import::open_of_account(conn, actor.account.as_uuid(), app.now()).await? >= MOST_OPEN {
        let sentence = format!("{MOST_OPEN} imports of this account wait already. Launch one of them, or throw one away.");
        return Err(Error::Conflict { reason: "too_many_imports", sentence });
    }
    let now = app.now();
    let id = ImportId::generate(now, &*app.randomness);
    let (prefix, kept_until) = match source {
        ImportSource::Upload => (format!("imports/{id}"), now + KEPT),
        ImportSource::Export(export) => {
            let (export, until) = whole(app, conn, actor, export).await?;
            (exports::prefix(&export), until)
        }
    };
    let row = Import {
        id: id.as_uuid(),
        account_id: actor.account.as_uuid(),
        instance_id: None,
        source: source.as_str().to_owned(),
        prefix,
        seen: None,
        seen_at: None,
        manifest_sha256: None,
        pass: 1,
        accepted_at: None,
        kept_until,
        deleted_at: None,
        created_at: now,
        counted_bytes: 0,
        offered_bytes: 0,
        offered_at: None,
        preflight_sha256: None,
    };
    row.insert(conn).await?;
    record(app, conn, actor, &row, "import.begin").await?;
    Ok(id)
}

/// One that can be fetched could as well be brought again.
async fn whole(app: &App, conn: &mut Conn, actor: &Actor, id: ExportId) -> Result<(Export, chrono::DateTime<chrono::Utc>), Error> {
    let (export, _) = exports::seen_by(conn, actor, id).await?;
    let server = Instance::by_id(conn, export.instance_id).await?;
    // An operator sees every export, and brings none of somebody else's in.
    if server.is_none_or(|it| it.account_id != actor.account.as_uuid()) {
        return Err(Error::NotFound { what: "export" });
    }
    match export.kept_until {
        Some(until) if export.size.is_some() && export.deleted_at.is_none() && app.now() < until => Ok((export, until)),
        _ => {
            let sentence = "This export is not whole, or not kept any more.".to_owned();
            Err(Error::Conflict { reason: "not_whole", sentence })
        }
    }
}

/// In the account's chain. To come last in its transaction.
pub(super) async fn record(app: &App, conn: &mut Conn, actor: &Actor, import: &Import, action: &str) -> Result<(), Error> {
    let record = howdah_db::models::audit::Record {
        chain_id: import.account_id,
        at: app.now(),
        actor: audit_actor(actor),
        action,
        subject_kind: "import",
        subject_id: Some(import.id),
        details: json!({"source": import.source}),
    };
    record.insert(conn).await?;
    Ok(())
}
