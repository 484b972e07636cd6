//! `howdah server`.

use anyhow::bail;
use howdah_app::{Error, settings};

use crate::args::server::ServerArgs;
use crate::shutdown;

pub async fn run(args: ServerArgs) -> anyhow::Result<()> {
    let app = args.control_plane.app()?;
    match settings::current(&app).await {
        // Every error names somebody to write to.
        Ok(found) if found.support_address.is_none() => bail!("there is no support address: run `howdah admin setup --support-address …`"),
        Ok(_) => {}
        // It answers 503 until the database is back.
        Err(error @ Error::Unavailable { .. }) => tracing::warn!(error = %anyhow::Error::new(error), "the database is away"),
        Err(error) => {
            return Err(anyhow::Error::new(error)
                .context("the platform is not set up: run `howdah migrate`, then `howdah admin setup --support-address …`"));
        }
    }
    howdah_web::serve(app, &args.settings(), shutdown::requested()).await?;
    Ok(())
}
