//! The database with its role, and the bucket with its user (`s3_user`). Each is brought to what is wanted once, which an annotation on
//! the Secret of its credentials then says; so a server that is as wanted asks neither.

use std::sync::Arc;
use std::time::{Duration, Instant};

use howdah_crd::{ConditionType, MastodonInstance, OPERATOR_FIELD_MANAGER, Reason, labels};
use k8s_openapi::api::core::v1::Secret;
use kube::api::{Api, Patch, PatchParams};
use secrecy::SecretString;
use serde_json::json;

use super::s3_user::{self, User};
use super::secrets;
use crate::controllers::instance::build::connection_limit;
use crate::controllers::instance::bulkhead::{Bulkhead, Place, Shut};
use crate::controllers::instance::conditions::Progress;
use crate::controllers::instance::context::Context;
use crate::controllers::instance::names;
use crate::controllers::instance::validate::Valid;
use crate::digest::Digest;
use crate::error::{Error, chain};
use crate::provider::DatabaseError;

/// How soon to come back to what was away.
pub const AWAY: Duration = Duration::from_secs(3);

pub async fn database(context: &Context, valid: &Valid<'_>, progress: &mut Progress) -> Result<(), Error> {
    let condition = ConditionType::DatabaseReady;
    let Some(seen) = valid.secrets.get(names::DATABASE) else {
        progress.not(condition, Reason::Waiting, String::new());
        return Ok(());
    };
    let limit = connection_limit(&valid.spec.resources);
    let wanted = Digest::of(&json!([valid.spec.database.server, limit, seen.uid])).short();
    if seen.ensured.as_ref() == Some(&wanted) {
        progress.ready(condition);
        return Ok(());
    }
    let bulkhead = of_database(context, valid);
    let place = match bulkhead.enter(Instant::now()) {
        Ok(place) => place,
        Err(shut) => {
            come_back(valid, shut, condition, Reason::DatabaseServerUnavailable, progress);
            return Ok(());
        }
    };
    let password = read_key(context, &valid.namespace, names::DATABASE, "DB_PASS").await?;
    reread(context, valid.cr).await?;
    let result = valid.database.ensure(valid.id, &password, limit).await;
    place.answered(!result.as_ref().is_err_and(DatabaseError::is_away), Instant::now());
    match result {
        Ok(()) => {
            annotate(context, valid, names::DATABASE, &wanted).await?;
            progress.ready(condition);
            Ok(())
        }
        Err(error) => refused_by_database(valid, condition, error, progress),
    }
}

pub fn refused_by_database(
    valid: &Valid<'_>,
    condition: ConditionType,
    error: DatabaseError,
    progress: &mut Progress,
) -> Result<(), Error> {
    if error.is_unavailable() {
        tracing::warn!(instance.id = %valid.id, error = chain(&error), "the database server is away");
        progress.not(condition, Reason::DatabaseServerUnavailable, chain(&error));
        progress.wake(AWAY);
        return Ok(());
    }
    progress.not(condition, Reason::Error, chain(&error));
    Err(Error::Database { name: valid.namespace.clone(), source: Box::new(error) })
}

/// Is there an account with the role Owner? `None` where that can't be asked now, which `progress` then says.
pub async fn has_owner(context: &Context, valid: &Valid<'_>, progress: &mut Progress) -> Result<Option<bool>, Error> {
    let condition = ConditionType::OwnerReady;
    let Some((_place, password)) = way_in(context, valid, condition, progress).await? else { return Ok(None) };
    match valid.database.owner_ready(valid.id, &password).await {
        Ok(ready) => Ok(Some(ready)),
        Err(error) => refused_by_database(valid, condition, error, progress).map(|()| None),
    }
}

/// Does the database itself say that it was loaded with this mark? `None` as above.
pub async fn is_marked(context: &Context, valid: &Valid<'_>, mark: &str, progress: &mut Progress) -> Result<Option<bool>, Error> {
    let condition = ConditionType::DataLoaded;
    let Some((_place, password)) = way_in(context, valid, condition, progress).await? else { return Ok(None) };
    match valid.database.mark(valid.id, &password).await {
        Ok(found) => Ok(Some(found.as_deref() == Some(mark))),
        Err(error) => refused_by_database(valid, condition, error, progress).map(|()| None),
    }
}

/// To ask the tenant's own database: a place at its server, and the password. `None` where that has to wait. Nobody is told of the outcome: what
/// a tenant's own database answers, or doesn't, says nothing of the server.
async fn way_in<'c>(
    context: &'c Context,
    valid: &Valid<'_>,
    condition: ConditionType,
    progress: &mut Progress,
) -> Result<Option<(Place<'c>, SecretString)>, Error> {
    match of_database(context, valid).enter(Instant::now()) {
        Ok(place) => Ok(Some((place, read_key(context, &valid.namespace, names::DATABASE, "DB_PASS").await?))),
        Err(shut) => {
            come_back(valid, shut, condition, Reason::DatabaseServerUnavailable, progress);
            Ok(None)
        }
    }
}

pub async fn bucket(context: &Context, valid: &Valid<'_>, progress: &mut Progress) -> Result<(), Error> {
    let condition = ConditionType::BucketReady;
    if s3_user::ensure(context, valid, &User::Own, condition, progress).await? {
        progress.ready(condition);
    }
    Ok(())
}

async fn annotate(context: &Context, valid: &Valid<'_>, name: &str, wanted: &str) -> Result<(), Error> {
    merge(context, valid, name, &json!({"metadata": {"annotations": {labels::ENSURED: wanted}}})).await
}

pub async fn merge(context: &Context, valid: &Valid<'_>, name: &str, patch: &serde_json::Value) -> Result<(), Error> {
    let api: Api<Secret> = Api::namespaced(context.client.clone(), &valid.namespace);
    let parameters = PatchParams { field_manager: Some(OPERATOR_FIELD_MANAGER.to_owned()), ..PatchParams::default() };
    let written = api.patch(name, &parameters, &Patch::Merge(patch)).await.map_err(Error::kubernetes("change the Secret", name))?;
    context.memory(valid.cr).lock().wrote(&written);
    Ok(())
}

/// The resource as it is now, past the cache. An effect outside needs it: whoever was stopped for a while, and is no longer the
/// leader, finds here that it was deleted meanwhile.
pub async fn reread(context: &Context, cr: &MastodonInstance) -> Result<Arc<MastodonInstance>, Error> {
    let name = cr.metadata.name.clone().unwrap_or_default();
    let api: Api<MastodonInstance> = Api::all(context.client.clone());
    let now = api.get(&name).await.map_err(Error::kubernetes("read", &name))?;
    if now.metadata.uid == cr.metadata.uid && now.metadata.deletion_timestamp == cr.metadata.deletion_timestamp {
        return Ok(Arc::new(now));
    }
    Err(Error::Superseded { name })
}

pub async fn read_key(context: &Context, namespace: &str, name: &str, key: &str) -> Result<SecretString, Error> {
    text(&secrets::read(context, namespace, name).await?, key).map(SecretString::from)
}

pub fn text(secret: &Secret, key: &str) -> Result<String, Error> {
    let bytes = secret.data.as_ref().and_then(|it| it.get(key));
    bytes
        .and_then(|it| String::from_utf8(it.0.clone()).ok())
        .ok_or_else(|| Error::SecretKey { name: secret.metadata.name.clone().unwrap_or_default(), key: key.to_owned() })
}

/// Before the server's database server.
pub fn of_database<'a>(context: &'a Context, valid: &Valid<'_>) -> &'a Bulkhead {
    bulkhead(context, &format!("database/{}", valid.spec.database.server))
}

pub fn bulkhead<'a>(context: &'a Context, name: &str) -> &'a Bulkhead {
    context.bulkheads.get(name).unwrap_or(&context.spare_bulkhead)
}

/// What was said stays where it still holds: a hundred that wait must not each change their status with every turn of the store.
pub fn come_back(valid: &Valid<'_>, shut: Shut, condition: ConditionType, away: Reason, progress: &mut Progress) {
    let (reason, again_in) = match shut {
        Shut::Full { again_in } => (Reason::Progressing, again_in),
        Shut::Away => (away, AWAY),
    };
    progress.wake(again_in);
    let said = valid.cr.status.iter().flat_map(|it| &it.conditions).find(|it| it.type_ == condition.as_str() && it.status == "False");
    if said.is_none_or(|it| it.reason != reason.as_str() && it.reason != away.as_str()) {
        progress.not(condition, reason, String::new());
    }
}
