//! `howdah notice`.

use howdah_gateway::notice::{self, NoticeMode};

use crate::args::NoticeArgs;
use crate::shutdown;

pub async fn run(args: NoticeArgs) -> anyhow::Result<()> {
    let mode = args.origin.map_or(NoticeMode::Suspended, NoticeMode::ReadOnly);
    notice::run(args.listen, mode, shutdown::requested()).await?;
    Ok(())
}
