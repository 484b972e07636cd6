//! `howdah operator`.

use std::sync::Arc;

use anyhow::Context;
use howdah_operator::{Metrics, OperatorConfig};

use crate::args::{OperatorArgs, metrics};
use crate::shutdown;

pub async fn run(args: OperatorArgs) -> anyhow::Result<()> {
    let config = OperatorConfig::load(&args.config)?;
    let kubernetes = args.kubernetes.config().await?;
    let measured = Arc::new(Metrics::default());
    let client = howdah_operator::client(kubernetes, &measured).context("the cluster's client can't be built")?;
    let listener = args.metrics_listen.bind().await?;
    let text = Arc::clone(&measured);
    tokio::select! {
        ended = howdah_operator::run(client, config, measured, shutdown::requested()) => ended?,
        () = metrics::tell(listener, move || std::future::ready(text.text())) => {}
    }
    Ok(())
}
