//! Who takes the money, if anybody does.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use clap::{Args, ValueEnum};
use howdah_app::billing::{Billing, Trial};
use howdah_billing::{Settings, Stripe};
use howdah_domain::money::Currency;
use url::Url;

use super::read_secret;

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Provider {
    /// Nobody: operators grant servers, or a setting grants every launch.
    None,
    Stripe,
}

#[derive(Args)]
pub struct BillingArgs {
    /// Who takes the customers' money.
    #[arg(long, env = "HOWDAH_BILLING_PROVIDER", value_enum, default_value = "none")]
    billing_provider: Provider,
    /// A file with the secret key of Stripe's API.
    #[arg(long, env = "HOWDAH_STRIPE_SECRET_KEY_FILE", required_if_eq("billing_provider", "stripe"))]
    stripe_secret_key_file: Option<PathBuf>,
    /// A file with the secret of the webhook's endpoint, a line each while one is rolled: `howdah admin billing sync` prints it. Without it events are
    /// not taken, and what happens at Stripe is seen by the hour.
    #[arg(long, env = "HOWDAH_STRIPE_WEBHOOK_SECRET_FILE")]
    stripe_webhook_secret_file: Option<PathBuf>,
    /// Another place than Stripe's own: a simulator's.
    #[arg(long, env = "HOWDAH_STRIPE_URL")]
    stripe_url: Option<Url>,
    /// The connected account that everything happens in.
    #[arg(long, env = "HOWDAH_STRIPE_ACCOUNT")]
    stripe_account: Option<String>,
    /// What new accounts pay in.
    #[arg(long, env = "HOWDAH_BILLING_CURRENCY", default_value = "EUR")]
    billing_currency: Currency,
    /// Days for nothing before the first invoice; 0: none.
    #[arg(long, env = "HOWDAH_TRIAL_DAYS", default_value_t = 0)]
    trial_days: u32,
    /// Whether a trial asks for a card. One without is paused when it ends, until there is one.
    #[arg(long, env = "HOWDAH_TRIAL_CARD", default_value_t = true, action = clap::ArgAction::Set)]
    trial_card: bool,
    /// Have Stripe work out taxes.
    #[arg(long, env = "HOWDAH_AUTOMATIC_TAX", default_value_t = false, action = clap::ArgAction::Set)]
    automatic_tax: bool,
}

/// Where its customers pay, and change how.
const STRIPES_PAGES: [&str; 2] = ["https://checkout.stripe.com", "https://billing.stripe.com"];

impl BillingArgs {
    /// Origins of the pages that customers are led to.
    pub fn payment_pages(&self) -> Vec<String> {
        match (self.billing_provider, &self.stripe_url) {
            (Provider::None, _) => Vec::new(),
            (Provider::Stripe, None) => STRIPES_PAGES.map(str::to_owned).into(),
            (Provider::Stripe, Some(url)) => vec![url.origin().ascii_serialization()],
        }
    }

    pub fn open(&self) -> anyhow::Result<Option<Arc<Billing>>> {
        if self.billing_provider == Provider::None {
            return Ok(None);
        }
        let key = self.stripe_secret_key_file.as_deref().context("--stripe-secret-key-file is missing")?;
        let settings = Settings {
            base_url: self.stripe_url.clone(),
            account: self.stripe_account.clone(),
            timeout: Duration::from_secs(30),
            ..Settings::new(read_secret(key)?.into())
        };
        let secrets = self.stripe_webhook_secret_file.as_deref().map(read_secret).transpose()?.unwrap_or_default();
        let secrets = secrets.lines().map(str::trim).filter(|it| !it.is_empty()).map(|it| it.to_owned().into()).collect();
        let mut billing = Billing::new(Stripe::new(&settings)?, secrets, self.billing_currency);
        billing.trial = (self.trial_days > 0).then_some(Trial { days: self.trial_days, card: self.trial_card });
        billing.automatic_tax = self.automatic_tax;
        Ok(Some(Arc::new(billing)))
    }
}
