//! `howdah admin billing …`: the catalogue at the payment provider.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt;

use anyhow::Context;
use howdah_app::billing;
use secrecy::ExposeSecret;

use super::admin::said;
use crate::args::admin::BillingSyncArgs;

pub async fn sync(args: BillingSyncArgs) -> anyhow::Result<()> {
    let app = args.control_plane.app()?;
    let changes = billing::plan_catalogue(&app).await.map_err(said)?;
    for change in &changes {
        println!("{change}");
    }
    if changes.is_empty() {
        println!("the catalogue at Stripe is as it is here");
    }
    if args.dry_run || changes.is_empty() {
        return Ok(());
    }
    let applied = billing::apply_catalogue(&app, &changes).await.map_err(said)?;
    // Said whatever came after it: it is said once.
    if let Some(secret) = &applied.endpoint_secret {
        match &args.webhook_secret_file {
            Some(file) => {
                let mut open = fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(file)?;
                writeln!(open, "{}", secret.expose_secret()).with_context(|| format!("{} can't be written", file.display()))?;
                println!("the secret of the webhook's endpoint is in {}", file.display());
            }
            None => println!("the secret of the webhook's endpoint, which is shown once: {}", secret.expose_secret()),
        }
    }
    applied.outcome.context("the catalogue at Stripe was brought up to date in part: run this again for the rest")?;
    println!("the catalogue at Stripe is as it is here: {} changes", changes.len());
    Ok(())
}
