//! The JSON Schemas in `docs/bundle` are what this code says.

use std::path::Path;

use howdah_bundle::format::{Checks, Manifest, MediaFile, MissingMedia, OrphanMedia, Preflight, VERSION, Verify};
use schemars::{JsonSchema, generate::SchemaSettings};

fn schema<T: JsonSchema>(file: &str) -> (String, String) {
    let mut schema = SchemaSettings::draft2020_12().into_generator().into_root_schema_for::<T>();
    schema.insert("$id".to_owned(), format!("https://howdah.dev/bundle/v{VERSION}/{file}.schema.json").into());
    let mut text = serde_json::to_string_pretty(&schema).expect("a schema is JSON");
    text.push('\n');
    (format!("{file}.schema.json"), text)
}

#[test]
fn the_schemas_checked_in_are_current() {
    let schemas = [
        schema::<Preflight>("PREFLIGHT"),
        schema::<Manifest>("MANIFEST"),
        schema::<MediaFile>("INVENTORY.line"),
        schema::<MissingMedia>("MISSING.line"),
        schema::<OrphanMedia>("ORPHANS.line"),
        schema::<Checks>("checks"),
        schema::<Verify>("VERIFY"),
    ];
    for (name, wanted) in schemas {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../../docs/bundle/v{VERSION}")).join(name);
        if std::env::var_os("HOWDAH_WRITE_SCHEMAS").is_some() {
            std::fs::create_dir_all(path.parent().expect("a file lies in a folder")).expect("docs/bundle can be written");
            std::fs::write(&path, &wanted).expect("docs/bundle can be written");
        }
        let found = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(found == wanted, "{} is stale: run `cargo xtask generate`", path.display());
    }
}
