//! `howdah worker`.

use std::sync::Arc;

use crate::args::worker::WorkerArgs;
use crate::shutdown;

pub async fn run(args: WorkerArgs) -> anyhow::Result<()> {
    let app = args.control_plane.app()?;
    let url = args.control_plane.database.url()?;
    let (outside, mailer) = (Arc::new(args.outside()?), Arc::new(args.mailer()?));
    howdah_app::worker::run_worker(app, &url, args.clients().await?, outside, mailer, args.settings()?, shutdown::requested()).await?;
    Ok(())
}
