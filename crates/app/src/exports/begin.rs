//! An export is begun: the run, its operation and the job that sends it down, in one transaction.

use chrono::{DateTime, Utc};
use howdah_db::Conn;
use howdah_db::models::export::Export;
use howdah_db::models::instance::Instance;
use howdah_db::models::operation::Operation;
use howdah_domain::{ExportId, InstanceId, Lane, OperationId, OperationKind, PersonId};
use secrecy::SecretString;
use serde_json::json;

use super::own_bucket;
use super::sealing::{self, ExportRequest, Made, Seal, Words};
use crate::idempotency::{Idempotent, Once, answered, claim, keep};
use crate::instances::{self, audit, audit_actor, locked_by};
use crate::jobs::SyncExport;
use crate::own_bucket::OwnBucket;
use crate::{Actor, App, Error, limits, operations};

#[derive(Debug)]
pub struct Begun {
    pub export: ExportId,
    pub instance: InstanceId,
    pub operation: OperationId,
    /// The key that was made: nobody else has it, and it is shown nowhere else.
    pub key: Option<SecretString>,
    /// The same of a recovery phrase.
    pub phrase: Option<SecretString>,
}

/// Takes a server along, whatever its state.
///
/// # Errors
/// [`Error::NotFound`]; [`Error::Invalid`] for keys that are none; [`Error::Conflict`] for a server that was never set up or is being
/// deleted, or while another export runs; [`Error::RateLimited`].
pub async fn begin(
    app: &App,
    actor: &Actor,
    id: InstanceId,
    request: &ExportRequest,
    idempotent: Option<Idempotent<'_, Begun>>,
) -> Result<Once<Begun>, Error> {
    actor.may_change()?;
    let bucket = request.bucket.as_ref().map(own_bucket::parse).transpose()?;
    let mut conn = app.conn().await?;
    if let Some(before) = answered(&mut conn, idempotent).await? {
        return Ok(before);
    }
    // Before a key is made, which may take a second.
    let row = instances::seen_by(&mut conn, actor, id).await?;
    may_begin(&mut conn, &row).await?;
    limits::EXPORTS_OF.ask(app, &mut conn, &id.to_string()).await?;
    if bucket.is_some() {
        limits::BUCKETS_OF.take(app, &mut conn, &id.to_string()).await?;
    }
    if matches!(request.words, Words::Passphrase(_)) {
        limits::PASSPHRASES_OF.take(app, &mut conn, &id.to_string()).await?;
    }
    drop(conn);
    let (seal, Made { key, phrase }) = sealing::seal(app, request).await?;
    if let Some(bucket) = &bucket {
        own_bucket::try_out(app, bucket).await?;
    }
    let mut conn = app.conn().await?;
    howdah_db::transaction(&mut conn, async |conn| {
        if let Some(before) = claim(app, conn, idempotent).await? {
            return Ok(before);
        }
        let row = locked_by(conn, actor, id, None).await?;
        may_begin(conn, &row).await?;
        limits::EXPORTS_OF.take(app, conn, &row.id.to_string()).await?;
        let new = New { mode: "live", seal: &seal, bucket: bucket.as_ref(), scheduled_for: None, requested_by: Some(actor.person) };
        let (export, operation) = put(app, conn, id, new).await?;
        let begun = Begun { export, instance: id, operation, key: key.clone(), phrase: phrase.clone() };
        let recipients: Vec<&str> = seal.recipients.split(' ').collect();
        let details =
            json!({"export": export, "recipients": recipients, "key_was_made": request.make_key, "opened_by": request.words.as_str()});
        audit(app, conn, audit_actor(actor), "instance.export", &row, details).await?;
        keep(conn, idempotent, begun).await
    })
    .await
}

/// One that is to be begun.
pub(super) struct New<'a> {
    pub mode: &'a str,
    pub seal: &'a Seal,
    /// Elsewhere than in the platform's.
    pub bucket: Option<&'a OwnBucket>,
    /// When it was due, where nobody asked for it.
    pub scheduled_for: Option<DateTime<Utc>>,
    pub requested_by: Option<PersonId>,
}

/// The run, its operation, and the job that sends it down.
pub(super) async fn put(app: &App, conn: &mut Conn, server: InstanceId, new: New<'_>) -> Result<(ExportId, OperationId), Error> {
    let New { mode, seal, bucket, scheduled_for, requested_by } = new;
    let operation = operations::begin(app, conn, server, OperationKind::Export, requested_by).await?;
    let export = ExportId::generate(app.now(), &*app.randomness);
    let new = Export {
        id: export.as_uuid(),
        instance_id: server.as_uuid(),
        operation_id: operation.as_uuid(),
        mode: mode.to_owned(),
        destination: if bucket.is_some() { "bucket" } else { "kept" }.to_owned(),
        recipients: seal.recipients.clone(),
        progress: None,
        size: None,
        content_digest: None,
        kept_until: None,
        deleted_at: None,
        created_at: app.now(),
        recovery_key: seal.recovery_key.clone(),
        scheduled_for,
    };
    new.insert(conn).await?;
    if let Some(bucket) = bucket {
        own_bucket::insert(app, conn, export, bucket).await?;
    }
    SyncExport::of(new.id).enqueue(conn).await?;
    Ok((export, operation))
}

/// Open in every state in which there is something to take along.
async fn may_begin(conn: &mut Conn, row: &Instance) -> Result<(), Error> {
    let refuse = |(reason, sentence): (_, &str)| Err(Error::Conflict { reason, sentence: sentence.to_owned() });
    if let Some(why) = closed(row) {
        return refuse(why);
    }
    if Operation::live(conn, row.id, Lane::Export.as_str()).await?.is_some() {
        return refuse(("export_under_way", "This server is being exported already. Wait for that, or cancel it."));
    }
    Ok(())
}

/// Why there is nothing of it that could be taken along.
pub(crate) fn closed(row: &Instance) -> Option<(&'static str, &'static str)> {
    if row.launched_at.is_none() {
        return Some(("not_set_up", "This server has not come up yet: there is nothing to take along."));
    }
    if row.handed_over_at.is_some() {
        return Some(("handed_over", "Another host serves this server: its final bundle has everything of it."));
    }
    let is_too_late = row.teardown_began_at.is_some();
    is_too_late.then_some(("teardown_began", "This server's data is being deleted: it is too late to take it along."))
}
