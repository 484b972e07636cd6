//! The keys that a bundle is written with: of an S3 user that exists for this export alone and reaches nothing but its prefix, or a copy of
//! those of somebody else's bucket. They lie in one Secret of the server's namespace for as long as the export runs.

use std::collections::BTreeMap;
use std::time::Instant;

use howdah_crd::{ExportConditionType, INBOX_NAMESPACE, OPERATOR_FIELD_MANAGER, Reason, labels, secrets};
use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Secret;
use kube::Resource as _;
use kube::api::{Api, ObjectMeta, Patch, PatchParams, PostParams};
use secrecy::ExposeSecret as _;
use serde_json::json;

use super::context::Context;
use super::teardown::reread;
use super::update_status::Findings;
use super::validate::{Destination, Valid};
use crate::controllers::instance::apply::outside::{self, AWAY, bulkhead};
use crate::controllers::instance::apply::secrets::read;
use crate::controllers::instance::bulkhead::Shut;
use crate::digest::Digest;
use crate::error::{Error, chain, status_code};
use crate::provider::{ObjectStoreError, PrefixPlace, S3Keys};

const CONDITION: ExportConditionType = ExportConditionType::DestinationReady;

type Data = BTreeMap<String, ByteString>;

/// False where it has to wait: `findings` say for what.
pub async fn ensure(context: &Context, valid: &Valid<'_>, findings: &mut Findings) -> Result<bool, Error> {
    match &valid.destination {
        Destination::Bucket { from, .. } => {
            if valid.keys.is_none() {
                let mut all = read(&context.instances, INBOX_NAMESPACE, from).await?.data.unwrap_or_default();
                all.retain(|key, _| secrets::bucket::REQUIRED.contains(&key.as_str()));
                create(context, valid, all, None).await?;
            }
            findings.ready(CONDITION);
            Ok(true)
        }
        Destination::Kept(place) => kept(context, valid, place, findings).await,
    }
}

async fn kept(context: &Context, valid: &Valid<'_>, place: &PrefixPlace, findings: &mut Findings) -> Result<bool, Error> {
    let PrefixPlace { bucket, prefix, earlier } = place;
    let wanted = Digest::of(&json!([valid.bundles.store, bucket, prefix, earlier])).short();
    if valid.keys.is_some_and(|it| it.ensured.as_ref() == Some(&wanted)) {
        findings.ready(CONDITION);
        return Ok(true);
    }
    let bulkhead = bulkhead(&context.instances, &format!("store/{}", valid.bundles.store));
    let turn = match bulkhead.enter(Instant::now()) {
        Ok(entered) => entered,
        Err(Shut::Full { again_in }) => return Ok(findings.wait(CONDITION, Reason::Progressing, String::new(), again_in)),
        Err(Shut::Away) => return Ok(findings.wait(CONDITION, Reason::ObjectStoreUnavailable, String::new(), AWAY)),
    };
    // Two operators must not each make a key and remove the other's.
    let _lock = match valid.server.database.lock(valid.server.id).await {
        Ok(lock) => lock,
        Err(error) => return Ok(findings.wait(CONDITION, Reason::DatabaseServerUnavailable, chain(&error), AWAY)),
    };
    reread(context, valid.cr).await?;
    let held = held(context, valid).await?;
    let result = valid.bundle_store.ensure_writer(&valid.name, place, held.as_ref().map(|(keys, _)| keys)).await;
    turn.answered(!result.as_ref().is_err_and(ObjectStoreError::is_away), Instant::now());
    match result {
        Ok(keys) => {
            keep(context, valid, held, &keys, &wanted).await?;
            findings.ready(CONDITION);
            Ok(true)
        }
        Err(error) if error.is_unavailable() => Ok(findings.wait(CONDITION, Reason::ObjectStoreUnavailable, chain(&error), AWAY)),
        Err(error) => {
            findings.not(CONDITION, Reason::Error, chain(&error));
            Err(Error::S3User { name: valid.name.clone(), source: Box::new(error) })
        }
    }
}

/// The keys that the namespace has, read now.
async fn held(context: &Context, valid: &Valid<'_>) -> Result<Option<(S3Keys, Secret)>, Error> {
    let found = api(context, valid).get_opt(&valid.name).await.map_err(Error::kubernetes("read the Secret", &valid.name))?;
    Ok(found.and_then(|secret| {
        let access_key = outside::text(&secret, secrets::bucket::ACCESS_KEY_ID).ok()?;
        let secret_key = outside::text(&secret, secrets::bucket::SECRET_ACCESS_KEY).ok()?.into();
        Some((S3Keys { access_key, secret_key }, secret))
    }))
}

/// In a new Secret, or, where the keys that were held don't work any more, in place of the old ones.
async fn keep(context: &Context, valid: &Valid<'_>, held: Option<(S3Keys, Secret)>, keys: &S3Keys, wanted: &str) -> Result<(), Error> {
    let data = BTreeMap::from([
        (secrets::bucket::ACCESS_KEY_ID.to_owned(), ByteString(keys.access_key.clone().into_bytes())),
        (secrets::bucket::SECRET_ACCESS_KEY.to_owned(), ByteString(keys.secret_key.expose_secret().as_bytes().into())),
    ]);
    let Some((old, secret)) = held else { return create(context, valid, data, Some(wanted)).await };
    let mut patch = json!({
        "metadata": {"resourceVersion": secret.metadata.resource_version, "annotations": {labels::ENSURED: wanted}},
    });
    if old.access_key != keys.access_key {
        patch["data"] = json!(data);
    }
    let parameters = PatchParams { field_manager: Some(OPERATOR_FIELD_MANAGER.to_owned()), ..PatchParams::default() };
    let written = api(context, valid).patch(&valid.name, &parameters, &Patch::Merge(&patch)).await;
    let written = written.map_err(Error::kubernetes("change the Secret", &valid.name))?;
    context.instances.memory(valid.server.cr).lock().wrote(&written);
    Ok(())
}

/// Create-only, and gone with the export.
async fn create(context: &Context, valid: &Valid<'_>, data: Data, ensured: Option<&str>) -> Result<(), Error> {
    let secret = Secret {
        metadata: ObjectMeta {
            name: Some(valid.name.clone()),
            labels: Some(BTreeMap::from([
                (labels::INSTANCE.to_owned(), valid.server.id.to_string()),
                (labels::EXPORT.to_owned(), valid.id.to_string()),
                (labels::MANAGED_BY.to_owned(), labels::MANAGED_BY_VALUE.to_owned()),
            ])),
            annotations: ensured.map(|it| BTreeMap::from([(labels::ENSURED.to_owned(), it.to_owned())])),
            owner_references: valid.cr.controller_owner_ref(&()).map(|mut owner| {
                owner.block_owner_deletion = None;
                vec![owner]
            }),
            ..ObjectMeta::default()
        },
        data: Some(data),
        ..Secret::default()
    };
    let parameters = PostParams { field_manager: Some(OPERATOR_FIELD_MANAGER.to_owned()), ..PostParams::default() };
    let memory = context.instances.memory(valid.server.cr);
    match api(context, valid).create(&parameters, &secret).await {
        Ok(written) => memory.lock().wrote(&written),
        // Somebody else's counts: the namespace is read anew.
        Err(error) if status_code(&error) == Some(409) => {
            memory.lock().doubt();
            return Err(Error::kubernetes("create the Secret", &valid.name)(error));
        }
        Err(error) => return Err(Error::kubernetes("create the Secret", &valid.name)(error)),
    }
    Ok(())
}

fn api(context: &Context, valid: &Valid<'_>) -> Api<Secret> {
    Api::namespaced(context.instances.client.clone(), &valid.server.namespace)
}
