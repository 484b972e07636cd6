//! First step: the server that is taken along, with all that it refers to, and the keys of a bucket that is not the platform's.

use std::sync::Arc;

use howdah_crd::{ExportDestination, MastodonExport};
use howdah_domain::{ExportId, InstanceId};

use super::context::Context;
use crate::cache::SecretSeen;
use crate::controllers::instance;
use crate::error::Error;
use crate::provider::ObjectStore;

pub struct Dereferenced {
    pub cr: Arc<MastodonExport>,
    pub id: ExportId,
    /// Of whose namespace it lies in. `None`: no resource has that.
    pub server: Option<instance::dereference::Dereferenced>,
    /// Of the operator's configuration: where what is kept lies.
    pub bundle_store: Option<ObjectStore>,
    /// Of the inbox: the keys of somebody else's bucket.
    pub bucket_keys: Option<SecretSeen>,
}

pub async fn dereference(context: &Context, cr: Arc<MastodonExport>, id: ExportId) -> Result<Dereferenced, Error> {
    let instances = &context.instances;
    let server = match cr.metadata.namespace.as_deref().and_then(InstanceId::from_resource_name) {
        Some(instance_id) => match instances.instance(instance_id) {
            Some(mut server) => {
                Arc::make_mut(&mut server).status = Some(instance::update_status::current(instances, &server));
                Some(instance::dereference::dereference(instances, server, instance_id).await?)
            }
            None => None,
        },
        None => None,
    };
    let bucket_keys = match &cr.spec.destination {
        ExportDestination::Kept {} => None,
        ExportDestination::Bucket { secret_ref, .. } => instances.inbox.get(&secret_ref.name),
    };
    let bundle_store = instances.bundles().map(|(_, store)| store.clone());
    Ok(Dereferenced { cr, id, server, bundle_store, bucket_keys })
}
