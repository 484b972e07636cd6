//! `howdah crds`: the definitions, as YAML documents for `kubectl apply -f -`.

pub fn run() -> anyhow::Result<()> {
    for crd in howdah_crd::crds() {
        print!("---\n{}", serde_yaml_ng::to_string(&crd)?);
    }
    Ok(())
}
