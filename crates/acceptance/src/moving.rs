//! A server on its way from one host to another: taken along by the API, and brought by the command.

use std::path::Path;
use std::process::Command;

use age::x25519::Identity;
use anyhow::{Context as _, Result, ensure};
use howdah_domain::InstanceId;
use serde_json::{Value, json};

use crate::api::Api;
use crate::processes::Part;
use crate::wait::seconds;
use crate::{Stack, World};

/// Where its bundle lies, sealed to this identity.
pub async fn taken_along(api: &Api, server: InstanceId, identity: &Identity) -> Result<String> {
    let wanted = json!({"recipients": [identity.to_public().to_string()]});
    let begun = api.post(&format!("/api/v1/instances/{server}/exports"), Some(&wanted)).await?.expect(202)?.body;
    api.wait_for_operation(begun["operation_url"].as_str().context("no operation")?, "succeeded", seconds(180)).await?;
    Ok(format!("s3://howdah-bundles/{server}/{}", begun["id"].as_str().context("no id")?))
}

/// The bundle of an export as a tar: fetched by the links that a customer gets, and packed.
pub async fn packed(world: &World, api: &Api, bundle: &str, folder: &Path) -> Result<()> {
    let export = bundle.rsplit('/').next().context("a bundle's place ends with its export's id")?;
    let url = format!("{}/api/v1/exports/{export}/links", world.stack.dashboard_url);
    let links = world.http.get(url).bearer_auth(&api.token).send().await?.error_for_status()?.text().await?;
    let files = tempfile::tempdir()?;
    std::fs::write(files.path().join("links.curl"), links)?;
    let run = |command: &mut Command| -> Result<()> {
        let ended = command.output()?;
        ensure!(ended.status.success(), "{ended:?}");
        Ok(())
    };
    run(Command::new("curl").args(["--silent", "--show-error", "--config", "links.curl"]).current_dir(files.path()))?;
    std::fs::remove_file(files.path().join("links.curl"))?;
    let tree = std::fs::read_dir(files.path())?.next().context("curl fetched nothing")??.path();
    run(Command::new("tar").args(["--format", "posix", "-cf"]).arg(folder.join("bundle.tar")).arg("-C").arg(tree).arg("."))
}

/// What `howdah bundle push` says of a bundle that it brought to an import (`/api/v1/imports/…`).
pub fn push(stack: &Stack, bundle: &str, import: &str, api: &Api) -> Result<Value> {
    let mut command = Command::new(Part::of(stack, "operator")?.program());
    command.args(["bundle", "push", bundle, "--json", "--to", &format!("{}{import}", stack.dashboard_url)]);
    command.env("HOWDAH_TOKEN", &api.token).env("SSL_CERT_FILE", &stack.ca_cert);
    command.env("AWS_ENDPOINT_URL", &stack.s3.endpoint).env("AWS_REGION", &stack.s3.region);
    command.env("AWS_ACCESS_KEY_ID", &stack.s3.access_key).env("AWS_SECRET_ACCESS_KEY", &stack.s3.secret_key);
    let pushed = command.output()?;
    ensure!(pushed.status.success(), "{pushed:?}");
    Ok(serde_json::from_slice(&pushed.stdout)?)
}
