//! The custom resource of an export, from its row alone.

use std::collections::BTreeMap;

use data_encoding::BASE64;
use howdah_crd::{ExportDestination, ExportMode, MastodonExport, MastodonExportSpec, SecretRef, labels};
use howdah_db::models::export::Export;
use howdah_db::models::export_bucket::ExportBucket;
use howdah_domain::{ExportId, InstanceId};
use uuid::Uuid;

/// Namespace and name.
pub fn names(export: &Export) -> (String, String) {
    (InstanceId::from_uuid(export.instance_id).resource_name(), ExportId::from_uuid(export.id).resource_name())
}

/// Of its keys' Secret in the inbox, where it goes to a bucket of the customer's.
pub fn keys_secret(export: &Export) -> String {
    ExportId::from_uuid(export.id).resource_name()
}

pub fn resource(export: &Export, bucket: Option<&ExportBucket>) -> MastodonExport {
    let (namespace, name) = names(export);
    let mode = match export.mode.as_str() {
        "drained" => ExportMode::Drained,
        "stopped" => ExportMode::Stopped,
        _ => ExportMode::Live,
    };
    let spec = MastodonExportSpec {
        id: export.id.to_string(),
        mode,
        recipients: export.recipients.split_ascii_whitespace().map(str::to_owned).collect(),
        destination: bucket.map_or(ExportDestination::Kept {}, |it| ExportDestination::Bucket {
            endpoint: it.endpoint.clone(),
            region: it.region.clone(),
            bucket: it.bucket.clone(),
            prefix: it.prefix.clone(),
            virtual_hosted: it.virtual_hosted,
            secret_ref: SecretRef { name: keys_secret(export) },
        }),
        incremental_from: None,
        recovery_key: export.recovery_key.as_deref().map(|it| BASE64.encode(it)),
    };
    let mut resource = MastodonExport::new(&name, spec);
    resource.metadata.namespace = Some(namespace);
    resource.metadata.labels = Some(BTreeMap::from([(labels::INSTANCE.to_owned(), export.instance_id.to_string())]));
    resource
}

/// Only the id counts; but a resource of another name is not the one that we sent.
pub fn id_of(resource: &MastodonExport) -> Option<Uuid> {
    let id: ExportId = resource.spec.id.parse().ok()?;
    (resource.metadata.name.as_deref() == Some(&id.resource_name())).then(|| id.as_uuid())
}
