//! Secrets. What is made once is only ever created: where it exists already, somebody else made it, and theirs counts.
//! Certificates alone are written over, since they end.

use std::collections::BTreeMap;

use howdah_crd::{
    CERTIFICATES_NAMESPACE, ConditionType, INBOX_NAMESPACE, MEDIA_NAMESPACE, OPERATOR_FIELD_MANAGER, PowerState, Reason, labels,
};
use howdah_domain::InstanceId;
use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Secret;
use kube::Resource as _;
use kube::api::{Api, DeleteParams, ObjectMeta, Patch, PatchParams, PostParams};
use secrecy::ExposeSecret as _;
use serde_json::json;

use super::outside::text;
use crate::cache::SecretSeen;
use crate::certificate::{self, CertificateAuthority};
use crate::controllers::instance::build::{CA_KEY, SecretSource, SecretWish};
use crate::controllers::instance::conditions::Progress;
use crate::controllers::instance::context::Context;
use crate::controllers::instance::names;
use crate::controllers::instance::validate::Site;
use crate::error::{Error, chain, status_code};

pub async fn ensure(context: &Context, site: &Site<'_>, wishes: &[SecretWish], progress: &mut Progress) -> Result<(), Error> {
    progress.ready(ConditionType::SecretsReady);
    for wish in wishes {
        let seen = seen(context, site, wish);
        match &wish.source {
            SecretSource::Later | SecretSource::Foreign => {}
            SecretSource::Copy { from } => {
                if seen.is_none() {
                    copy(context, site, &wish.name, from, progress).await?;
                }
            }
            SecretSource::Authorities { pem } => {
                if seen.is_none() {
                    let data = BTreeMap::from([(CA_KEY.to_owned(), ByteString(pem.as_bytes().into()))]);
                    create(context, site, &wish.name, data, None, true).await?;
                }
            }
            SecretSource::Password { key } => {
                if seen.is_none() {
                    let data = BTreeMap::from([((*key).to_owned(), random_password())]);
                    create(context, site, &wish.name, data, None, false).await?;
                    progress.again = true;
                }
            }
            SecretSource::PlatformCertificate { from } => {
                let Some(source) = context.certificates.get(from) else {
                    progress.not(ConditionType::RouteReady, Reason::CertificatePending, from);
                    continue;
                };
                if seen.is_none_or(|it| it.digest != source.digest) {
                    let data = read(context, CERTIFICATES_NAMESPACE, from).await?.data.unwrap_or_default();
                    certify(context, site, wish, data).await?;
                }
            }
            SecretSource::Certificate { ca, host } => {
                let hosts = [host.clone()];
                let current = seen.as_ref().and_then(|it| it.certificate.as_deref());
                if current.is_none_or(|pem| certificate::needs_renewal(pem, &hosts, site.now)) {
                    sign(context, site, wish, ca, &hosts, progress).await?;
                }
            }
        }
    }
    Ok(())
}

fn seen(context: &Context, site: &Site<'_>, wish: &SecretWish) -> Option<SecretSeen> {
    if wish.namespace == MEDIA_NAMESPACE { context.media.get(&wish.name) } else { site.secrets.get(&wish.name).cloned() }
}

/// The Secret of the web host's certificate, as it was last seen.
pub fn of_web(context: &Context, site: &Site<'_>) -> Option<SecretSeen> {
    last_seen(context, site, names::WEB_TLS)
}

fn last_seen(context: &Context, site: &Site<'_>, name: &str) -> Option<SecretSeen> {
    context.memory(site.cr).lock().listed.as_ref().and_then(|it| it.secrets.get(name).cloned())
}

/// The same, as it is now.
pub async fn look_at_web(context: &Context, site: &Site<'_>) -> Result<Option<SecretSeen>, Error> {
    let api: Api<Secret> = Api::namespaced(context.client.clone(), &site.namespace);
    let found = api.get_opt(names::WEB_TLS).await.map_err(Error::kubernetes("read the Secret", names::WEB_TLS))?;
    Ok(found.and_then(|secret| {
        context.memory(site.cr).lock().wrote(&secret);
        SecretSeen::of(&secret)
    }))
}

/// Certificates alone, and what is known of them: of a server of which nothing else is here.
pub async fn certify_hosts(context: &Context, site: &Site<'_>, wishes: &[SecretWish], progress: &mut Progress) -> Result<(), Error> {
    if wishes.is_empty() {
        progress.not(ConditionType::RouteReady, Reason::NotWanted, String::new());
        return Ok(());
    }
    ensure(context, site, wishes, progress).await?;
    progress.not(ConditionType::SecretsReady, Reason::NotWanted, String::new());
    certified(context, site, progress);
    Ok(())
}

/// Routing's own condition: each host that is served has a certificate.
pub fn certified(context: &Context, site: &Site<'_>, progress: &mut Progress) {
    let is_rehearsal = site.spec.power_state == PowerState::Rehearsal;
    if !is_rehearsal && !site.spec.routing.enabled {
        return progress.not(ConditionType::RouteReady, Reason::NotWanted, String::new());
    }
    if progress.verdicts.get(&ConditionType::RouteReady).is_some_and(|it| !it.is_true()) {
        return;
    }
    let of_media = || context.media.get(&names::media_tls(site.id));
    let served = match site.spec.power_state {
        PowerState::Rehearsal => vec![last_seen(context, site, names::PREVIEW_TLS)],
        PowerState::MovedOut => vec![of_media()],
        PowerState::Running | PowerState::ReadOnly | PowerState::Suspended | PowerState::SelfDestruct => {
            vec![of_web(context, site), of_media()]
        }
    };
    if served.iter().all(|it| it.as_ref().is_some_and(|it| it.certificate.is_some())) {
        progress.ready(ConditionType::RouteReady);
    } else {
        progress.not(ConditionType::RouteReady, Reason::CertificatePending, "a certificate is not there yet");
    }
}

async fn copy(context: &Context, site: &Site<'_>, name: &str, from: &str, progress: &mut Progress) -> Result<(), Error> {
    let data = read(context, INBOX_NAMESPACE, from).await?.data.unwrap_or_default();
    create(context, site, name, data, None, true).await?;
    progress.again = true;
    Ok(())
}

async fn sign(
    context: &Context,
    site: &Site<'_>,
    wish: &SecretWish,
    ca: &str,
    hosts: &[String],
    progress: &mut Progress,
) -> Result<(), Error> {
    if context.certificates.get(ca).is_none() {
        progress.not(ConditionType::RouteReady, Reason::CertificatePending, ca);
        return Ok(());
    }
    let secret = read(context, CERTIFICATES_NAMESPACE, ca).await?;
    let signed = CertificateAuthority::from_pem(&text(&secret, "tls.crt")?, &text(&secret, "tls.key")?)
        .and_then(|ca| ca.sign(hosts, site.now, rand::random()));
    match signed {
        Ok(certificate) => {
            let data = BTreeMap::from([
                ("tls.crt".to_owned(), ByteString(certificate.chain_pem.into_bytes())),
                ("tls.key".to_owned(), ByteString(certificate.key_pem.expose_secret().as_bytes().into())),
            ]);
            certify(context, site, wish, data).await
        }
        Err(error) => {
            progress.not(ConditionType::RouteReady, Reason::CertificatePending, chain(&error));
            Ok(())
        }
    }
}

/// Writes a certificate's Secret, whatever it held before.
async fn certify(context: &Context, site: &Site<'_>, wish: &SecretWish, data: BTreeMap<String, ByteString>) -> Result<(), Error> {
    let mut secret = json!(Secret {
        metadata: metadata(site, &wish.name),
        data: Some(data),
        type_: Some("kubernetes.io/tls".to_owned()),
        ..Secret::default()
    });
    if wish.namespace == MEDIA_NAMESPACE {
        secret["metadata"]["ownerReferences"] = json!(site.cr.controller_owner_ref(&()).map(|mut owner| {
            owner.block_owner_deletion = None;
            vec![owner]
        }));
    }
    let api: Api<Secret> = Api::namespaced(context.client.clone(), &wish.namespace);
    let parameters = PatchParams::apply(OPERATOR_FIELD_MANAGER).force();
    let written =
        api.patch(&wish.name, &parameters, &Patch::Apply(&secret)).await.map_err(Error::kubernetes("apply the Secret", &wish.name))?;
    if wish.namespace == MEDIA_NAMESPACE {
        context.media.put(&written);
    } else {
        context.memory(site.cr).lock().wrote(&written);
    }
    Ok(())
}

/// Create-only. One that exists already is left, and the namespace is read anew.
pub async fn create(
    context: &Context,
    site: &Site<'_>,
    name: &str,
    data: BTreeMap<String, ByteString>,
    ensured: Option<String>,
    immutable: bool,
) -> Result<(), Error> {
    let mut metadata = metadata(site, name);
    if let Some(ensured) = ensured {
        metadata.annotations = Some(BTreeMap::from([(labels::ENSURED.to_owned(), ensured)]));
    }
    let secret = Secret { metadata, data: Some(data), immutable: immutable.then_some(true), ..Secret::default() };
    let api: Api<Secret> = Api::namespaced(context.client.clone(), &site.namespace);
    let parameters = PostParams { field_manager: Some(OPERATOR_FIELD_MANAGER.to_owned()), ..PostParams::default() };
    let memory = context.memory(site.cr);
    match api.create(&parameters, &secret).await {
        Ok(written) => {
            memory.lock().wrote(&written);
            Ok(())
        }
        Err(error) if status_code(&error) == Some(409) => {
            memory.lock().doubt();
            Ok(())
        }
        Err(error) => Err(Error::kubernetes("create the Secret", name)(error)),
    }
}

fn metadata(site: &Site<'_>, name: &str) -> ObjectMeta {
    ObjectMeta {
        name: Some(name.to_owned()),
        labels: Some(BTreeMap::from([
            (labels::INSTANCE.to_owned(), site.id.to_string()),
            (labels::MANAGED_BY.to_owned(), labels::MANAGED_BY_VALUE.to_owned()),
        ])),
        ..ObjectMeta::default()
    }
}

pub async fn read(context: &Context, namespace: &str, name: &str) -> Result<Secret, Error> {
    Api::<Secret>::namespaced(context.client.clone(), namespace).get(name).await.map_err(Error::kubernetes("read the Secret", name))
}

pub async fn delete(context: &Context, site: &Site<'_>, name: &str, seen: &SecretSeen) -> Result<(), Error> {
    remove(context, &site.namespace, name, seen).await?;
    context.memory(site.cr).lock().deleted(name);
    Ok(())
}

/// What is not for ever in the inbox, once it has served. Only one that says whose it is: the name alone is somebody's claim.
pub async fn delete_from_inbox(context: &Context, id: InstanceId, name: &str) -> Result<(), Error> {
    let Some(seen) = context.inbox.get(name).filter(|it| it.instance == Some(id)) else { return Ok(()) };
    remove(context, INBOX_NAMESPACE, name, &seen).await?;
    context.inbox.remove(name);
    Ok(())
}

/// By its name, which is this server's alone: whoever wrote it may have left our label off.
pub async fn delete_media_certificate(context: &Context, id: InstanceId) -> Result<(), Error> {
    let name = names::media_tls(id);
    let Some(seen) = context.media.get(&name) else { return Ok(()) };
    remove(context, MEDIA_NAMESPACE, &name, &seen).await?;
    context.media.remove(&name);
    Ok(())
}

async fn remove(context: &Context, namespace: &str, name: &str, seen: &SecretSeen) -> Result<(), Error> {
    let api: Api<Secret> = Api::namespaced(context.client.clone(), namespace);
    let parameters = DeleteParams { preconditions: Some(seen.preconditions()), ..DeleteParams::default() };
    match api.delete(name, &parameters).await {
        Ok(_) => Ok(()),
        Err(error) if status_code(&error) == Some(404) => Ok(()),
        Err(error) => Err(Error::kubernetes("delete the Secret", name)(error)),
    }
}

/// 192 bits in characters that no connection string has to quote.
fn random_password() -> ByteString {
    ByteString(data_encoding::HEXLOWER.encode(&rand::random::<[u8; 24]>()).into_bytes())
}
