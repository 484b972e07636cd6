//! S3 users of a server, whose keys lie in a Secret of its namespace: its own, of its bucket; and, until its data is loaded, the one that
//! reads the bundle. Each is brought to what is wanted once, which an annotation on the Secret then says.

use std::collections::BTreeMap;
use std::time::Instant;

use howdah_crd::secrets::bucket::{ACCESS_KEY_ID, SECRET_ACCESS_KEY};
use howdah_crd::{ConditionType, MastodonInstance, Reason, labels};
use howdah_domain::InstanceId;
use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Secret;
use kube::api::Api;
use secrecy::ExposeSecret as _;
use serde_json::json;

use super::outside::{AWAY, bulkhead, come_back, merge, refused_by_database, reread, text};
use super::secrets;
use crate::controllers::instance::conditions::Progress;
use crate::controllers::instance::context::Context;
use crate::controllers::instance::import::Source;
use crate::controllers::instance::names;
use crate::controllers::instance::validate::Valid;
use crate::digest::Digest;
use crate::error::{Error, chain};
use crate::provider::{ObjectStoreError, S3Keys};

pub enum User<'a> {
    /// The server's own, and its bucket.
    Own,
    /// Of the bundle that is loaded.
    Reader(&'a Source<'a>),
}

impl User<'_> {
    const fn secret(&self) -> &'static str {
        match self {
            Self::Own => names::OBJECT_STORE,
            Self::Reader(_) => names::BUNDLE_READER,
        }
    }

    fn store<'a>(&'a self, valid: &'a Valid<'_>) -> &'a str {
        match self {
            Self::Own => &valid.spec.object_storage.store,
            Self::Reader(source) => &source.bundles.store,
        }
    }

    /// Changes with what the user is for.
    fn wanted(&self, valid: &Valid<'_>) -> String {
        let what = match self {
            Self::Own => json!([self.store(valid)]),
            Self::Reader(Source { bundles, store: _, prefix }) => json!([bundles.store, bundles.bucket, prefix]),
        };
        Digest::of(&what).short()
    }

    async fn ensure(&self, valid: &Valid<'_>, keys: Option<&S3Keys>) -> Result<S3Keys, ObjectStoreError> {
        match self {
            Self::Own => valid.store.ensure(valid.id, keys).await,
            Self::Reader(Source { bundles, store, prefix }) => {
                store.ensure_reader(&names::bundle_reader(valid.id), &bundles.bucket, prefix, keys).await
            }
        }
    }

    fn error(&self, valid: &Valid<'_>, source: ObjectStoreError) -> Error {
        let (name, source) = (valid.namespace.clone(), Box::new(source));
        match self {
            Self::Own => Error::ObjectStore { name, source },
            Self::Reader(_) => Error::S3User { name, source },
        }
    }
}

/// True once its keys are there; else the condition says what for.
pub async fn ensure(
    context: &Context,
    valid: &Valid<'_>,
    user: &User<'_>,
    condition: ConditionType,
    progress: &mut Progress,
) -> Result<bool, Error> {
    let wanted = user.wanted(valid);
    if valid.secrets.get(user.secret()).is_some_and(|it| it.ensured.as_ref() == Some(&wanted)) {
        return Ok(true);
    }
    if !progress.is_ready(ConditionType::DatabaseReady) {
        // Its lock is the database server's.
        progress.not(condition, Reason::Waiting, String::new());
        return Ok(false);
    }
    let bulkhead = bulkhead(context, &format!("store/{}", user.store(valid)));
    let place = match bulkhead.enter(Instant::now()) {
        Ok(place) => place,
        Err(shut) => {
            come_back(valid, shut, condition, Reason::ObjectStoreUnavailable, progress);
            return Ok(false);
        }
    };
    // Two operators must not each make a key and remove the other's.
    let _lock = match valid.database.lock(valid.id).await {
        Ok(lock) => lock,
        Err(error) => return refused_by_database(valid, condition, error, progress).map(|()| false),
    };
    reread(context, valid.cr).await?;
    let kept = keys(context, valid, user.secret()).await?;
    let result = user.ensure(valid, kept.as_ref().map(|(keys, _)| keys)).await;
    place.answered(!result.as_ref().is_err_and(ObjectStoreError::is_away), Instant::now());
    match result {
        Ok(keys) => {
            keep(context, valid, user.secret(), kept, keys, &wanted).await?;
            progress.again = true;
            Ok(true)
        }
        Err(error) if error.is_unavailable() => {
            tracing::warn!(instance.id = %valid.id, error = chain(&error), "the object store is away");
            progress.not(condition, Reason::ObjectStoreUnavailable, chain(&error));
            progress.wake(AWAY);
            Ok(false)
        }
        Err(error) => {
            progress.not(condition, Reason::Error, chain(&error));
            Err(user.error(valid, error))
        }
    }
}

/// The keys that the namespace has, read now.
async fn keys(context: &Context, valid: &Valid<'_>, name: &str) -> Result<Option<(S3Keys, Secret)>, Error> {
    let api: Api<Secret> = Api::namespaced(context.client.clone(), &valid.namespace);
    let found = api.get_opt(name).await.map_err(Error::kubernetes("read the Secret", name))?;
    Ok(found.and_then(|secret| {
        let access_key = text(&secret, ACCESS_KEY_ID).ok()?;
        let secret_key = text(&secret, SECRET_ACCESS_KEY).ok()?.into();
        Some((S3Keys { access_key, secret_key }, secret))
    }))
}

/// Keeps what the store gave: in a new Secret, or, where the keys that were kept don't work any more, in place of the old ones.
async fn keep(
    context: &Context,
    valid: &Valid<'_>,
    name: &str,
    kept: Option<(S3Keys, Secret)>,
    keys: S3Keys,
    wanted: &str,
) -> Result<(), Error> {
    let data = BTreeMap::from([
        (ACCESS_KEY_ID.to_owned(), ByteString(keys.access_key.clone().into_bytes())),
        (SECRET_ACCESS_KEY.to_owned(), ByteString(keys.secret_key.expose_secret().as_bytes().into())),
    ]);
    match kept {
        None => secrets::create(context, valid, name, data, Some(wanted.to_owned()), false).await,
        Some((old, secret)) => {
            let version = secret.metadata.resource_version;
            let mut patch = json!({"metadata": {"resourceVersion": version, "annotations": {labels::ENSURED: wanted}}});
            if old.access_key != keys.access_key {
                patch["data"] = json!(data);
            }
            merge(context, valid, name, &patch).await
        }
    }
}

/// Who was to read the bundle is gone. False where that can't be done now. Idempotent.
pub async fn remove_reader(context: &Context, cr: &MastodonInstance, id: InstanceId) -> Result<bool, Error> {
    let Some((bundles, store)) = context.bundles() else {
        tracing::warn!(instance.id = %id, "the operator's configuration has no place for bundles any more: the S3 user of one may be left there");
        return Ok(false);
    };
    let Ok(place) = bulkhead(context, &format!("store/{}", bundles.store)).enter(Instant::now()) else { return Ok(false) };
    // As where it was made: not on a database server that nobody knows.
    let _lock = match context.databases.get(&cr.spec.database.server) {
        None => None,
        Some(database) => match database.lock(id).await {
            Ok(lock) => Some(lock),
            Err(error) => {
                tracing::warn!(instance.id = %id, error = chain(&error), "the database server is away");
                return Ok(false);
            }
        },
    };
    reread(context, cr).await?;
    let result = store.remove_limited(&names::bundle_reader(id)).await;
    place.answered(!result.as_ref().is_err_and(ObjectStoreError::is_away), Instant::now());
    match result {
        Ok(()) => Ok(true),
        Err(error) if error.is_unavailable() => {
            tracing::warn!(instance.id = %id, error = chain(&error), "the object store is away");
            Ok(false)
        }
        Err(source) => Err(Error::S3User { name: id.resource_name(), source: Box::new(source) }),
    }
}
