//! Second step, pure: can this server be taken along now, and where to? What comes out needs no further question.

use howdah_crd::{ExportDestination, MastodonExport, Reason, secrets};
use howdah_domain::ExportId;

use super::dereference::Dereferenced;
use crate::cache::SecretSeen;
use crate::config::{BundlesConfig, OperatorConfig};
use crate::controllers::instance::names;
use crate::controllers::instance::validate::{self as instance, Refusal};
use crate::provider::{ObjectStore, PrefixPlace};

/// Everything the objects are built from.
pub struct Valid<'a> {
    pub cr: &'a MastodonExport,
    pub id: ExportId,
    /// Of its Job, its policy, its Secret and its S3 user.
    pub name: String,
    pub server: instance::Valid<'a>,
    pub bundles: &'a BundlesConfig,
    /// Where what is kept lies.
    pub bundle_store: &'a ObjectStore,
    pub destination: Destination<'a>,
    /// The keys for the destination, in the server's namespace.
    pub keys: Option<&'a SecretSeen>,
}

pub enum Destination<'a> {
    Kept(PrefixPlace),
    Bucket {
        bucket: &'a str,
        /// This export's own: whoever goes on with it must find no other there.
        prefix: String,
        /// Its keys' Secret in the inbox. It may be gone once it is copied.
        from: &'a str,
    },
}

impl Destination<'_> {
    /// As `howdah bundle create --to` takes it.
    #[must_use]
    pub fn location(&self) -> String {
        match self {
            Self::Kept(PrefixPlace { bucket, prefix, .. }) => format!("s3://{bucket}/{prefix}"),
            Self::Bucket { bucket, prefix, .. } => format!("s3://{bucket}/{prefix}"),
        }
    }
}

pub fn validate<'a>(found: &'a Dereferenced, config: &'a OperatorConfig) -> Result<Valid<'a>, Refusal> {
    let refusal = |reason, message: String| Refusal { reason, message };
    let spec = &found.cr.spec;
    let home = found.cr.metadata.namespace.clone().unwrap_or_default();
    let server = found.server.as_ref().ok_or_else(|| refusal(Reason::InstanceNotFound, home))?;
    let server = instance::validate(server, config)
        .map_err(|Refusal { reason, message }| refusal(Reason::InstanceNotReady, format!("{reason}: {message}")))?;
    let lacks = [names::IDENTITY, names::DATABASE, names::OBJECT_STORE].into_iter().find(|it| !server.secrets.contains_key(*it));
    if let Some(lacks) = lacks.or((!server.done.configured).then_some("it was never set up")) {
        return Err(refusal(Reason::InstanceNotReady, lacks.to_owned()));
    }
    let bundles = config.bundles.as_ref().ok_or_else(|| refusal(Reason::NotConfigured, "bundles".to_owned()))?;
    let bundle_store = found.bundle_store.as_ref().ok_or_else(|| refusal(Reason::UnknownObjectStore, bundles.store.clone()))?;
    let name = found.id.resource_name();
    let keys = server.secrets.get(&name);
    let destination = match &spec.destination {
        ExportDestination::Kept {} => {
            let below = |export: &str| format!("{}/{export}", server.id);
            let earlier = spec.incremental_from.as_deref().map(below);
            Destination::Kept(PrefixPlace { bucket: bundles.bucket.clone(), prefix: below(&spec.id), earlier })
        }
        ExportDestination::Bucket { endpoint: _, region: _, bucket, prefix, virtual_hosted: _, secret_ref } => {
            let seen = keys.or(found.bucket_keys.as_ref()).ok_or_else(|| refusal(Reason::SecretNotFound, secret_ref.name.clone()))?;
            let lacks = seen.lacks(&secrets::bucket::REQUIRED);
            if !lacks.is_empty() {
                return Err(refusal(Reason::SecretIncomplete, format!("{}: {}", secret_ref.name, lacks.join(", "))));
            }
            let prefix = format!("{prefix}/{}", spec.id).trim_start_matches('/').to_owned();
            Destination::Bucket { bucket, prefix, from: &secret_ref.name }
        }
    };
    Ok(Valid { cr: &found.cr, id: found.id, name, server, bundles, bundle_store, destination, keys })
}
