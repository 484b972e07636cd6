//! A server that has moved to another host: nothing of it runs and nothing of its data is here; its media host alone stays, which leads to
//! where its media is now. In the order of a teardown, and with its confirmation: the namespace goes, and once nothing can write any more
//! database, role, bucket and S3 user. The resource stays, until somebody deletes it.

use std::time::Duration;

use howdah_crd::{ConditionType, Reason};

use super::apply;
use super::build;
use super::conditions::{self, Progress};
use super::context::Context;
use super::teardown;
use super::validate::Site;
use crate::error::Error;

const AWAY: Duration = Duration::from_secs(3);
/// In case the event of the namespace's end is missed.
const LOOK_AGAIN: Duration = Duration::from_secs(10);

pub async fn bring_about(context: &Context, site: &Site<'_>, progress: &mut Progress) -> Result<(), Error> {
    for step in conditions::launch(site.spec) {
        progress.not(step, Reason::NotWanted, String::new());
    }
    media_host(context, site, progress).await?;
    if conditions::is_true(&site.cr.status.clone().unwrap_or_default(), ConditionType::DataDestroyed) {
        progress.ready(ConditionType::DataDestroyed);
        return Ok(());
    }
    progress.not(ConditionType::DataDestroyed, Reason::Progressing, String::new());
    if !teardown::is_confirmation_seen(site.cr) {
        // Written by this pass: its event brings the next.
        return Ok(());
    }
    if context.registry.is_shared(site.cr) {
        progress.not(ConditionType::DataDestroyed, Reason::IdConflict, "another resource claims the same id, and keeps what is there");
        return Ok(());
    }
    teardown::web_off(context, site.cr, site.id).await?;
    if !teardown::namespace_gone(context, site.cr, site.id, site.children).await? {
        progress.wake(LOOK_AGAIN);
        return Ok(());
    }
    if teardown::destroy(context, site.cr, site.id, progress).await? {
        progress.ready(ConditionType::DataDestroyed);
        tracing::info!(instance.id = %site.id, "its data is destroyed, and its media host stays");
    } else {
        progress.wake(AWAY);
    }
    Ok(())
}

/// Its certificate is renewed as long as it stays, and goes after its Ingress.
async fn media_host(context: &Context, site: &Site<'_>, progress: &mut Progress) -> Result<(), Error> {
    let (routes, wishes) = build::media_host(site);
    if routes.is_empty() && !context.registry.is_shared(site.cr) && teardown::media_off(context, site.cr, site.children).await? {
        apply::delete_media_certificate(context, site.id).await?;
    }
    apply::certify_hosts(context, site, &wishes, progress).await?;
    apply::open_routes(context, site, &routes, progress).await
}
