//! The end of a server's life in the record: a tombstone with nothing personal left.

use chrono::{DateTime, Utc};
use howdah_db::Conn;
use howdah_db::models::address_look::AddressLook;
use howdah_db::models::domain::Domain;
use howdah_db::models::export::Export;
use howdah_db::models::final_bundle::FinalBundle;
use howdah_db::models::identity::IdentitySecret;
use howdah_db::models::import::Import;
use howdah_db::models::instance::Instance;
use howdah_db::models::name_claim::NameClaim;
use howdah_db::models::observation::Observation;
use howdah_db::models::operation::{Operation as OperationRow, OperationStep};
use howdah_db::models::owner_bootstrap::OwnerBootstrap;
use howdah_db::models::probe::Probe;
use howdah_db::models::public_face::PublicFace;
use howdah_domain::lifecycle::StepFact;
use howdah_domain::{OperationKind, StepName};
use uuid::Uuid;

use crate::worker::{WorkError, Worker};
use crate::{exports, mails, progress};

/// Called only when nothing of the server is left anywhere. The second time changes nothing.
pub async fn bury(worker: &Worker, id: Uuid) -> Result<(), WorkError> {
    let mut conn = worker.app.database.conn().await?;
    howdah_db::transaction(&mut conn, async |conn| {
        let Some(instance) = Instance::lock(conn, id).await?.filter(|it| it.tombstoned_at.is_none()) else {
            return Ok(());
        };
        let now = worker.now();
        // What the farewell came to is written before its observation goes.
        progress::advance(worker, conn, id).await?;
        take_leave(worker, conn, &instance, now).await?;
        end_operation(worker, conn, id).await?;
        scrub(conn, &instance, now).await?;
        Instance::bury(conn, id, instance.revision, now).await?.ok_or(WorkError::Conflict)?;
        tracing::info!(instance.id = %id, "nothing of the server is left");
        progress::record(conn, &instance, "instance.gone", now).await
    })
    .await
}

async fn end_operation(worker: &Worker, conn: &mut Conn, id: Uuid) -> Result<(), WorkError> {
    let Some(row) = OperationRow::live(conn, id, "exclusive").await? else { return Ok(()) };
    let steps = OperationStep::of(conn, row.id).await?;
    let operation = row.with_steps(&steps)?;
    let ended = operation.advance(&[(StepName::Teardown, StepFact::Done)], worker.now());
    if let Ok(ended) = ended {
        OperationRow::save(conn, row.id, row.revision, &ended).await?.ok_or(WorkError::Conflict)?;
    }
    Ok(())
}

/// Its final bundle stays its whole time from now on, and every owner is told where it is.
async fn take_leave(worker: &Worker, conn: &mut Conn, instance: &Instance, now: DateTime<Utc>) -> Result<(), WorkError> {
    let said = [OperationKind::MoveOut, OperationKind::Close].map(OperationKind::as_str);
    let left_by = OperationRow::live(conn, instance.id, "exclusive").await?.filter(|it| said.contains(&it.kind.as_str()));
    let Some(left_by) = left_by else { return Ok(()) };
    let kept = FinalBundle::newest_for(conn, left_by.id).await?.filter(|(export, _)| exports::is_there(export));
    // Of what has moved the data is gone for a year, and from then on the bundle's time ran.
    let until = |export: &Export| if instance.handed_over_at.is_some() { export.kept_until } else { Some(now + exports::FINAL_KEPT) };
    let kept = kept.and_then(|(export, _)| Some((export.id, until(&export)?))).filter(|(_, until)| *until > now);
    if let Some((export, until)) = kept {
        Export::keep_until(conn, export, until).await?;
    }
    let app = &worker.app;
    let mail = mails::server_gone(&app.config, &instance.domain, instance.id, kept.map(|(_, until)| until));
    Ok(mails::put_for_owners(app, conn, instance, &mail).await?)
}

/// Secrets, the owner's name and address, what was seen; and its names, but for one of the platform's that was ever served.
async fn scrub(conn: &mut Conn, instance: &Instance, now: DateTime<Utc>) -> Result<(), WorkError> {
    OwnerBootstrap::erase(conn, instance.id).await?;
    IdentitySecret::destroy(conn, instance.id).await?;
    Observation::forget(conn, instance.id).await?;
    Probe::forget(conn, instance.id).await?;
    Import::let_go(conn, instance.id, now).await?;
    AddressLook::forget(conn, instance.id).await?;
    PublicFace::forget(conn, instance.id).await?;
    if !instance.on_platform_domain {
        Domain::end_proof(conn, instance.account_id, &[&instance.domain, &instance.web_domain]).await?;
    }
    if !(instance.on_platform_domain && instance.launched_at.is_some()) {
        NameClaim::release(conn, instance.id).await?;
    }
    Ok(())
}
