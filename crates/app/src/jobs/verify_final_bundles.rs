//! Final bundles of servers that have moved, looked into once more before the data that they were made of goes: whatever was found whole when
//! it was made may have been lost since.

use howdah_bundle::receive;
use howdah_db::models::export::Export;
use howdah_db::models::final_bundle::FinalBundle;
use howdah_db::models::move_out::MoveOut;
use howdah_db::models::operation::Operation as OperationRow;
use howdah_domain::Lane;
use uuid::Uuid;

use super::VerifyFinalBundles;
use crate::ports::Bundles;
use crate::worker::{WorkError, Worker};
use crate::{exports, imports, progress};

/// Some at a time: the next tick has the next ones verified.
const SOME: i64 = 20;

/// One that doesn't hold holds up no other, keeps its data where it is, and is looked into again after the others.
pub async fn run(worker: &Worker, _: VerifyFinalBundles) -> Result<(), WorkError> {
    let Some(bundles) = &worker.app.bundles else { return Ok(()) };
    let mut conn = worker.app.database.conn().await?;
    let all = MoveOut::to_verify(&mut conn, worker.now() - worker.app.config.grace, SOME).await?;
    drop(conn);
    for instance in all {
        if let Err(error) = verify(worker, &**bundles, instance).await {
            tracing::error!(instance.id = %instance, %error, "a final bundle could not be verified: its server's data stays");
        }
    }
    Ok(())
}

/// No connection is held while the bucket works.
async fn verify(worker: &Worker, bundles: &dyn Bundles, instance: Uuid) -> Result<(), WorkError> {
    let missing = || WorkError::Missing { what: format!("a whole final bundle of {instance}") };
    let mut conn = worker.app.database.conn().await?;
    MoveOut::looked(&mut conn, instance, worker.now()).await?;
    let left_by = OperationRow::live(&mut conn, instance, Lane::Exclusive.as_str()).await?.ok_or_else(missing)?;
    let found = FinalBundle::newest_for(&mut conn, left_by.id).await?.filter(|(it, _)| exports::is_there(it));
    let (export, _) = found.ok_or_else(missing)?;
    drop(conn);
    if let Some(wrong) = wrong_with(bundles, &export).await? {
        return Err(WorkError::Missing { what: format!("a whole final bundle of {instance}: {wrong}") });
    }
    let mut conn = worker.app.database.conn().await?;
    howdah_db::transaction(&mut conn, async |conn| {
        MoveOut::verified(conn, instance, worker.now()).await?;
        progress::advance(worker, conn, instance).await.map(drop)
    })
    .await
}

/// What speaks against a bundle, if anything does: looked at where it lies now.
pub(crate) async fn wrong_with(bundles: &dyn Bundles, export: &Export) -> Result<Option<String>, WorkError> {
    let brought = imports::brought(bundles, &exports::prefix(export)).await?;
    let looked = tokio::task::spawn_blocking(move || receive::look(&brought, None)).await.map_err(crate::Error::internal)?;
    Ok(match looked {
        Ok(look) if look.holds() => None,
        Ok(look) => Some(look.findings.iter().map(|it| it.sentence.clone()).collect::<Vec<_>>().join("; ")),
        Err(finding) => Some(finding.sentence),
    })
}
