//! What carries the server's label and is no longer wanted goes. Only after everything wanted was applied, which the type says.

use std::collections::BTreeSet;

use howdah_crd::MEDIA_NAMESPACE;

use super::{children, is_kept, secrets};
use crate::cache::ChildKey;
use crate::controllers::instance::build::{Applied, Desired, Front, Objects};
use crate::controllers::instance::context::Context;
use crate::controllers::instance::names;
use crate::controllers::instance::validate::Valid;
use crate::error::Error;

pub async fn prune(context: &Context, valid: &Valid<'_>, applied: Objects<Applied>) -> Result<(), Error> {
    let Objects { namespace, access, guards, secrets: wishes, cache, jobs, front, workloads, routes, retry_in: _, stage: _ } = applied;
    let Front { gate, services, may_stop: _, retry_in: _ } = front;
    let wanted: BTreeSet<&ChildKey> = [&namespace, &access]
        .into_iter()
        .chain(&guards)
        .chain(&cache)
        .chain(&gate)
        .chain(&services)
        .chain(&workloads)
        .chain(&routes)
        .chain(jobs.all())
        .map(|Desired { key, .. }| key)
        .collect();
    for (key, child) in valid.children {
        let ours = key.namespace.as_deref().is_some_and(|it| it == valid.namespace || it == MEDIA_NAMESPACE);
        if key.kind.is_pruned() && ours && !wanted.contains(key) && !names::is_export(&key.name) {
            tracing::info!(instance.id = %valid.id, child = %key, "no longer wanted");
            children::delete(context, key, child).await?;
        }
    }
    let kept: BTreeSet<&str> = wishes.iter().filter(|it| it.namespace == valid.namespace).map(|it| it.name.as_str()).collect();
    for (name, seen) in valid.secrets {
        if seen.instance == Some(valid.id) && !kept.contains(name.as_str()) && !is_kept(name, valid) {
            secrets::delete(context, valid, name, seen).await?;
        }
    }
    if !valid.spec.routing.enabled {
        secrets::delete_media_certificate(context, valid.id).await?;
    }
    Ok(())
}
