//! Of a server that is served two Ingresses, each with its certificate's Secret beside it: the server's own, and the media host's in the namespace of the
//! media gateway, since an Ingress can't name a Service of another namespace. Of a rehearsal one, at its preview host.

use howdah_crd::labels::{self, process};
use howdah_crd::{MEDIA_NAMESPACE, MEDIA_SERVICE};
use kube::Resource as _;
use serde_json::{Value, json};

use super::{Desired, streaming, web};
use crate::cache::{CLUSTER_ISSUER, ChildKind};
use crate::controllers::instance::names;
use crate::controllers::instance::validate::{Site, Valid};

const MEDIA_PORT: u16 = 8080;
/// Name of a rehearsal's Ingress.
const PREVIEW: &str = "preview";
/// On an Ingress, in JSON: what cert-manager puts on the certificate's Secret; from its version 1.15 on.
const SECRET_TEMPLATE: &str = "cert-manager.io/secret-template";

pub fn routes(valid: &Valid<'_>) -> Vec<Desired> {
    match valid.rehearsal {
        // They would lead to what runs no more.
        _ if !valid.is_loaded() => vec![],
        Some(host) => vec![preview(valid, host)],
        None if valid.spec.routing.enabled => vec![server(valid), media(valid)],
        None => vec![],
    }
}

/// Of a rehearsal the only one: its own hosts are still somebody else's.
fn preview(valid: &Valid<'_>, host: &str) -> Desired {
    let body = ingress(valid, host, names::PREVIEW_TLS, &json!([path("/", process::WEB, web::PORT)]));
    Desired::new(valid.id, ChildKind::Ingress, Some(&valid.namespace), PREVIEW, body)
}

fn server(valid: &Valid<'_>) -> Desired {
    let paths = json!([path("/api/v1/streaming", process::STREAMING, streaming::PORT), path("/", process::WEB, web::PORT),]);
    let body = ingress(valid, valid.spec.web_domain(), names::WEB_TLS, &paths);
    Desired::new(valid.id, ChildKind::Ingress, Some(&valid.namespace), process::WEB, body)
}

pub fn media(site: &Site<'_>) -> Desired {
    let paths = json!([path("/", MEDIA_SERVICE, MEDIA_PORT)]);
    let mut body = ingress(site, &site.media_domain, &names::media_tls(site.id), &paths);
    // It lies outside the server's namespace, and has to go with the server all the same.
    body["metadata"]["ownerReferences"] = json!(site.cr.controller_owner_ref(&()).map(|mut owner| {
        owner.block_owner_deletion = None;
        vec![owner]
    }));
    Desired::new(site.id, ChildKind::Ingress, Some(MEDIA_NAMESPACE), &site.namespace, body)
}

fn ingress(site: &Site<'_>, host: &str, secret: &str, paths: &Value) -> Value {
    let mut body = json!({
        "metadata": {},
        "spec": {
            "ingressClassName": site.ingress_class,
            "tls": [{"hosts": [host], "secretName": secret}],
            "rules": [{"host": host, "http": {"paths": paths}}],
        },
    });
    if let Some(issuer) = site.cluster_issuer(host) {
        // The Secret that it writes says whose it is, as ours do.
        let template = json!({"labels": {labels::INSTANCE: site.id.to_string()}});
        body["metadata"]["annotations"] = json!({CLUSTER_ISSUER: issuer, SECRET_TEMPLATE: template.to_string()});
    }
    body
}

fn path(path: &str, service: &str, port: u16) -> Value {
    json!({"path": path, "pathType": "Prefix", "backend": {"service": {"name": service, "port": {"number": port}}}})
}
