//! How much an import lets in: no more than a server of the largest plan may have, and an account no more than twice that at a time.
//!
//! What lies in the bucket is counted seldom, for that lists all of it. In between, what links were handed out for counts as if it were there;
//! once no link is valid any more, it can be counted anew, and what was asked for twice or never brought counts no more.

use chrono::TimeDelta;
use futures::TryStreamExt as _;
use howdah_db::models::account::Account;
use howdah_db::models::import::Import;

use super::upload::VALID;
use crate::ports::Bundles;
use crate::{App, Error, Excess};

const GIB: u64 = 1 << 30;
/// For the database, and what describes a bundle.
const BESIDES_MEDIA: u64 = 100 * GIB;

/// Bytes of one import.
pub(super) fn most(app: &App) -> u64 {
    let largest = app.plans.iter().map(|it| u64::from(it.included.own_media_gib)).max().unwrap_or_default();
    largest * GIB + BESIDES_MEDIA
}

/// Links for so many bytes more.
pub(super) async fn take(app: &App, bundles: &dyn Bundles, import: &Import, bytes: u64) -> Result<(), Error> {
    if bytes == 0 || fits(app, import, bytes).await? {
        return Ok(());
    }
    let mut conn = app.conn().await?;
    let now = Import::by_id(&mut conn, import.id).await?.ok_or(Error::NotFound { what: "import" })?;
    drop(conn);
    if now.offered_bytes == 0 {
        return Err(too_much(app));
    }
    let ends = now.offered_at.unwrap_or(now.created_at) + valid();
    if let Ok(retry_after) = (ends - app.now()).to_std() {
        return Err(Error::RateLimited { excess: Excess::Brought, retry_after });
    }
    // Parts count, too: they are as long as a file, and whoever sends the last of them has it.
    let mut there = bundles.begun(&now.prefix).await?;
    let mut files = bundles.files(&now.prefix);
    while let Some(file) = files.try_next().await? {
        there = there.saturating_add(file.bytes);
    }
    let mut conn = app.conn().await?;
    let is_counted = Import::counted(&mut conn, now.id, signed(there), now.offered_at).await?;
    drop(conn);
    if !is_counted {
        return Err(Error::RateLimited { excess: Excess::Brought, retry_after: VALID });
    }
    if fits(app, import, bytes).await? { Ok(()) } else { Err(too_much(app)) }
}

/// Takes them where they fit. The account's row stays locked, so that what two of its imports take at once is counted by both; the import's
/// comes first, as for a launch.
async fn fits(app: &App, import: &Import, bytes: u64) -> Result<bool, Error> {
    let mut conn = app.conn().await?;
    howdah_db::transaction(&mut conn, async |conn| {
        let import = Import::lock(conn, import.id).await?.ok_or(Error::NotFound { what: "import" })?;
        Account::lock(conn, import.account_id).await?;
        let most = signed(most(app));
        let here = import.counted_bytes.saturating_add(import.offered_bytes).saturating_add(signed(bytes));
        let everywhere = Import::bytes_of_account(conn, import.account_id).await?.saturating_add(signed(bytes));
        let fits = here <= most && everywhere <= most.saturating_mul(2);
        if fits {
            Import::offered(conn, import.id, signed(bytes), app.now()).await?;
        }
        Ok(fits)
    })
    .await
}

pub(super) fn too_much(app: &App) -> Error {
    let sentence = format!(
        "An import takes {} GiB, and all of an account’s at a time twice that: that is what the largest plan has room for. Throw away what is \
         not needed, or write to the support.",
        most(app) / GIB
    );
    Error::Conflict { reason: "too_much", sentence }
}

pub(crate) fn valid() -> TimeDelta {
    TimeDelta::from_std(VALID).unwrap_or_default()
}

pub(super) fn signed(bytes: u64) -> i64 {
    i64::try_from(bytes).unwrap_or(i64::MAX)
}
