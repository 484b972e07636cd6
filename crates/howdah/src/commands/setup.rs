//! What server and worker ask of the platform before they start: every error and every mail names somebody to write to.

use anyhow::{Context, bail};
use howdah_app::{App, Error, settings};

/// Where the database is away, it is waited for: the server answers 503 meanwhile, and the worker asks it again.
pub async fn require(app: &App) -> anyhow::Result<()> {
    match settings::current(app).await {
        // Set up before it had to have one, or by hand.
        Ok(found) if found.support_address.is_none() => {
            bail!("there is no support address: run `howdah admin settings set --support-address …`")
        }
        Ok(_) => Ok(()),
        Err(error @ Error::Unavailable { .. }) => {
            tracing::warn!(error = %anyhow::Error::new(error), "the database is away");
            Ok(())
        }
        Err(error) => Err(error).context("the platform is not set up: run `howdah migrate`, then `howdah admin setup --support-address …`"),
    }
}
