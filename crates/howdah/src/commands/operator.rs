//! `howdah operator`.

use std::sync::Arc;

use anyhow::Context;
use howdah_operator::{Metrics, OperatorConfig};

use crate::args::OperatorArgs;
use crate::shutdown;

pub async fn run(args: OperatorArgs) -> anyhow::Result<()> {
    let config = OperatorConfig::load(&args.config)?;
    let kubernetes = args.kubernetes.config().await?;
    let metrics = Arc::new(Metrics::default());
    let client = howdah_operator::client(kubernetes, &metrics).context("the cluster's client can't be built")?;
    howdah_operator::run(client, config, metrics, args.metrics_listen, shutdown::requested()).await?;
    Ok(())
}
