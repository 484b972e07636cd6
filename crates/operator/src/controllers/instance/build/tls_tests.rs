//! `verify-full` needs somebody to verify by, in every process that opens the database.

use std::collections::BTreeMap;

use howdah_crd::labels::process;
use serde_json::Value;

use super::tests::{built_of, environment, pods};
use super::*;
use crate::controllers::instance::dereference::Dereferenced;
use crate::controllers::instance::fixture::{database_server, dereferenced, resource};
use crate::provider::{DatabaseServer, DatabaseServerSettings, SslMode};

fn found(sslmode: SslMode, pem: Option<&str>) -> Dereferenced {
    let mut found = dereferenced(resource());
    found.database = Some(DatabaseServer::new(DatabaseServerSettings { sslmode, ..database_server() }));
    found.database_ca = pem.map(str::to_owned);
    found
}

/// By process: the file that a variable names, and, where that is in a Secret, the Secret.
fn authorities(objects: &Objects<Prepared>) -> BTreeMap<String, (Option<String>, Option<String>)> {
    let of = |template: &Value| {
        let spec = &template["spec"];
        let container = &spec["containers"][0];
        let name = template["metadata"]["labels"][howdah_crd::labels::PROCESS].as_str().unwrap().to_owned();
        let variable = ["PGSSLROOTCERT", "NODE_EXTRA_CA_CERTS"].into_iter().find_map(|it| environment(container, it));
        let file = variable.map(|it| it["value"].as_str().unwrap().to_owned());
        let mounts = container["volumeMounts"].as_array().unwrap();
        let mount =
            mounts.iter().find(|it| file.as_ref().is_some_and(|file| *file == format!("{}/{CA_KEY}", it["mountPath"].as_str().unwrap())));
        let secret = mount.map(|mount| {
            assert_eq!(mount["readOnly"], true, "{name}");
            let volume = spec["volumes"].as_array().unwrap().iter().find(|it| it["name"] == mount["name"]).unwrap();
            volume["secret"]["secretName"].as_str().unwrap().to_owned()
        });
        (name, (file, secret))
    };
    pods(objects).iter().map(|(_, template)| of(template)).collect()
}

/// The wanted Secret of the authorities.
fn secret(objects: &Objects<Prepared>) -> Option<&SecretWish> {
    objects.secrets.iter().find(|it| matches!(it.source, SecretSource::Authorities { .. }))
}

#[test]
fn private_authorities_are_mounted_wherever_the_database_is_opened() {
    let objects = built_of(&found(SslMode::VerifyFull, Some("one")));
    let wish = secret(&objects).expect("a Secret");
    assert_eq!(wish.source, SecretSource::Authorities { pem: "one".to_owned() });
    for (process, (file, mounted)) in authorities(&objects) {
        let wanted = (process != process::REDIS).then(|| wish.name.clone());
        assert_eq!(mounted, wanted, "{process} has {file:?}");
    }
    let other = built_of(&found(SslMode::VerifyFull, Some("another")));
    assert_ne!(secret(&other).unwrap().name, wish.name, "others are another Secret, so that pods roll");
    assert_ne!(pods(&other), pods(&objects));
}

#[test]
fn public_authorities_are_the_images_own() {
    let objects = built_of(&found(SslMode::VerifyFull, None));
    assert_eq!(secret(&objects), None);
    for (process, found) in authorities(&objects) {
        // Node.js brings its own.
        let has_own = [process::REDIS, process::STREAMING].contains(&process.as_str());
        assert_eq!(found, ((!has_own).then(|| "/etc/ssl/certs/ca-certificates.crt".to_owned()), None), "{process}");
    }
}

#[test]
fn without_tls_nobody_is_named() {
    let objects = built_of(&found(SslMode::Disable, None));
    assert_eq!(secret(&objects), None);
    assert!(authorities(&objects).values().all(|it| *it == (None, None)));
}
