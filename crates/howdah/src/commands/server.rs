//! `howdah server`.

use super::setup;
use crate::args::server::ServerArgs;
use crate::shutdown;

pub async fn run(args: ServerArgs) -> anyhow::Result<()> {
    let app = args.control_plane.app()?;
    setup::require(&app).await?;
    howdah_web::serve(app, &args.settings(), shutdown::requested()).await?;
    Ok(())
}
