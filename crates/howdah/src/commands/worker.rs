//! `howdah worker`.

use std::sync::Arc;

use super::setup;
use crate::args::metrics;
use crate::args::worker::WorkerArgs;
use crate::shutdown;

pub async fn run(args: WorkerArgs) -> anyhow::Result<()> {
    let app = args.control_plane.app()?;
    let url = args.control_plane.database.url()?;
    let (outside, mailer) = (Arc::new(args.outside()?), Arc::new(args.mailer()?));
    setup::require(&app).await?;
    let listener = args.metrics_listen.bind().await?;
    let measured = app.clone();
    let told = metrics::tell(listener, move || {
        let app = measured.clone();
        async move { howdah_app::metrics::text(&app).await }
    });
    let clients = args.clients().await?;
    tokio::select! {
        ended = howdah_app::worker::run_worker(app, &url, clients, outside, mailer, args.settings()?, shutdown::requested()) => ended?,
        () = told => {}
    }
    Ok(())
}
