//! `howdah media`.

use howdah_gateway::MediaSettings;

use crate::args::MediaArgs;
use crate::shutdown;

pub async fn run(args: MediaArgs) -> anyhow::Result<()> {
    let settings = MediaSettings::new(args.listen, &args.object_stores)?;
    let client = kube::Client::try_from(args.kubernetes.config().await?)?;
    howdah_gateway::run(client, settings, shutdown::requested()).await?;
    Ok(())
}
