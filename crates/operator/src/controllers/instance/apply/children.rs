//! One child: left alone where it is as wanted, applied where not.

use futures::{StreamExt as _, TryStreamExt as _, stream};
use howdah_crd::OPERATOR_FIELD_MANAGER;
use kube::api::{DeleteParams, Patch, PatchParams, PropagationPolicy};
use serde_json::json;

use crate::cache::{Child, ChildKey, ChildKind};
use crate::controllers::instance::build::Desired;
use crate::controllers::instance::context::Context;
use crate::controllers::instance::validate::Site;
use crate::error::{Error, status_code};

/// Requests of one server that are under way together.
const AT_ONCE: usize = 8;

pub async fn ensure_all(context: &Context, site: &Site<'_>, all: impl IntoIterator<Item = &Desired>) -> Result<(), Error> {
    let mut writes = Vec::new();
    for desired in all {
        writes.push(ensure(context, site, desired));
    }
    stream::iter(writes).buffer_unordered(AT_ONCE).map_ok(drop).try_collect().await
}

/// True if it was written.
pub async fn ensure(context: &Context, site: &Site<'_>, desired: &Desired) -> Result<bool, Error> {
    let Desired { key, body, digest } = desired;
    let mut body = body.clone();
    if let Some(child) = site.children.get(key) {
        if child.leaving {
            // Its end brings the pass that makes it again.
            return Ok(false);
        }
        if child.is_as(&body, *digest) {
            context.children.verified(site.id, key, child, *digest);
            return Ok(false);
        }
        // A namesake that was made since, or a state that we haven't seen, is not written over.
        body["metadata"]["uid"] = json!(child.uid);
        body["metadata"]["resourceVersion"] = json!(child.resource_version);
    }
    let parameters = PatchParams::apply(OPERATOR_FIELD_MANAGER).force();
    let answer = key.api(context.client.clone()).patch(&key.name, &parameters, &Patch::Apply(&body)).await;
    let written = answer.map_err(Error::kubernetes("apply", key))?;
    context.children.written(key.kind, &written, *digest);
    tracing::debug!(instance.id = %site.id, child = %key, "applied");
    Ok(true)
}

/// Deletes exactly this state of exactly this object. That it is gone already is as good.
pub async fn delete(context: &Context, key: &ChildKey, child: &Child) -> Result<(), Error> {
    if child.leaving {
        return Ok(());
    }
    let parameters = DeleteParams {
        preconditions: Some(child.preconditions()),
        propagation_policy: Some(propagation(key.kind)),
        ..DeleteParams::default()
    };
    match key.api(context.client.clone()).delete(&key.name, &parameters).await {
        Ok(_) => Ok(()),
        Err(error) if status_code(&error) == Some(404) => Ok(()),
        Err(error) => Err(Error::kubernetes("delete", key)(error)),
    }
}

/// What runs for ever is there until its last pod is gone: somebody waits for that.
const fn propagation(kind: ChildKind) -> PropagationPolicy {
    match kind {
        ChildKind::Deployment | ChildKind::StatefulSet => PropagationPolicy::Foreground,
        _ => PropagationPolicy::Background,
    }
}
