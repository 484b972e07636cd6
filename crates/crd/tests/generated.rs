//! The definitions in `deploy/crds` are what this code says.

use std::path::Path;

#[test]
fn the_definitions_checked_in_are_current() {
    for crd in howdah_crd::crds() {
        let name = crd.metadata.name.clone().expect("a definition has a name");
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy/crds").join(format!("{name}.yaml"));
        let wanted = serde_yaml_ng::to_string(&crd).expect("a definition is YAML");
        if std::env::var_os("HOWDAH_GENERATE").is_some() {
            std::fs::write(&path, &wanted).expect("deploy/crds can be written");
        }
        let found = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(found == wanted, "{} is stale: run `cargo xtask generate`", path.display());
    }
}

/// Kubernetes refuses what is unbounded where a validation rule walks it, and etcd pays for the rest.
#[test]
fn every_string_and_list_has_a_maximum() {
    fn walk(path: &str, schema: &serde_json::Value, unbounded: &mut Vec<String>) {
        // `metav1.Condition` is Kubernetes' own type and comes without limits; its writers are ours.
        if path.ends_with(".conditions") {
            return;
        }
        let bounded = |key| schema.get(key).is_some() || schema.get("enum").is_some() || schema.get("format").is_some();
        match schema.get("type").and_then(serde_json::Value::as_str) {
            Some("string") if !bounded("maxLength") => unbounded.push(path.to_owned()),
            Some("array") if !bounded("maxItems") => unbounded.push(path.to_owned()),
            _ => {}
        }
        for (name, inner) in schema.get("properties").and_then(serde_json::Value::as_object).into_iter().flatten() {
            walk(&format!("{path}.{name}"), inner, unbounded);
        }
        if let Some(items) = schema.get("items") {
            walk(&format!("{path}[]"), items, unbounded);
        }
    }
    for crd in howdah_crd::crds() {
        for version in &crd.spec.versions {
            let schema = version.schema.as_ref().and_then(|it| it.open_api_v3_schema.as_ref()).expect("a version has a schema");
            let mut unbounded = Vec::new();
            walk(&version.name, &serde_json::to_value(schema).expect("a schema is JSON"), &mut unbounded);
            assert!(unbounded.is_empty(), "without a maximum: {unbounded:?}");
        }
    }
}
