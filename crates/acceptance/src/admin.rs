//! `howdah admin …`, run as the stack's server is configured.

use anyhow::{Result, ensure};
use tokio::process::Command;

use crate::World;
use crate::api::Api;
use crate::neighbour::binary;
use crate::processes::Part;

async fn admin(world: &World, words: &[&str]) -> Result<String> {
    let server = Part::of(&world.stack, "server")?;
    let mut command = Command::new(binary("howdah")?);
    command.arg("admin").args(words).env_clear().envs(server.environment().iter().cloned());
    let output = command.output().await?;
    ensure!(output.status.success(), "howdah admin {words:?}: {}", String::from_utf8_lossy(&output.stderr));
    Ok(String::from_utf8(output.stdout)?.trim().to_owned())
}

/// A customer with an account of their own, who signs in with this password.
pub async fn customer_with_password(world: &World, email: &str, password: &str) -> Result<()> {
    with_password(world, "add-customer", email, password).await
}

pub async fn operator_with_password(world: &World, email: &str, password: &str) -> Result<()> {
    with_password(world, "add-operator", email, password).await
}

async fn with_password(world: &World, add: &str, email: &str, password: &str) -> Result<()> {
    let file = tempfile::NamedTempFile::new()?;
    tokio::fs::write(file.path(), password).await?;
    let file = file.path().to_string_lossy().into_owned();
    admin(world, &[add, email, "--servers-allowed", "100", "--password-file", &file]).await.map(drop)
}

/// Another customer with an account of their own, and the API as they see it.
pub async fn another_customer(world: &World, name: &str) -> Result<Api> {
    let email = format!("{name}@people.test");
    admin(world, &["add-customer", &email, "--servers-allowed", "100"]).await?;
    token(world, &email, "read,write").await
}

/// The API with a new token of this person's, of these scopes.
pub async fn token(world: &World, email: &str, scopes: &str) -> Result<Api> {
    let token = admin(world, &["add-token", email, "--scope", scopes, "--name", "acceptance"]).await?;
    Ok(Api::new(&world.stack, world.http.clone(), token))
}
