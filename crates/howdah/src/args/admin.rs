//! What `howdah admin` takes.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand, ValueEnum};
use howdah_db::models::audit_anchor::Anchor;

use super::control_plane::ControlPlaneArgs;

#[derive(Subcommand)]
pub enum AdminCommand {
    /// Print a new key-encryption key for the key file.
    NewKey {
        /// Its name, which stays with what it seals.
        #[arg(default_value = "key-1")]
        id: String,
    },
    /// Write the platform's first settings; what is there already stays.
    Setup(SetupArgs),
    /// Add an operator of the platform.
    AddOperator(PersonArgs),
    /// Add a customer with an account of their own.
    AddCustomer(PersonArgs),
    /// Print a new API token for somebody.
    AddToken(TokenArgs),
    /// Record a place where servers can be put, by its name in the operator's configuration.
    AddPlace(PlaceArgs),
    /// Look at the platform's settings, or change them.
    #[command(subcommand)]
    Settings(SettingsCommand),
    /// List where the record and a cluster do not match, as the last resync found it.
    Orphans(ControlPlaneArgs),
    /// Walk the audit's chains and hold its anchors against them; fails where one is broken.
    VerifyAudit(VerifyAuditArgs),
    /// Wrap every data key with the first key of the key file; the others may leave the file then.
    RewrapKeys(ControlPlaneArgs),
    /// Say how many servers somebody's account may have.
    AllowServers(AllowServersArgs),
    /// Take a second factor away from somebody who has lost it, app and passkeys; a mail tells them.
    RemoveSecondFactor(RemoveSecondFactorArgs),
    /// People who are here.
    #[command(subcommand)]
    People(PeopleCommand),
    /// What is sold, at the payment provider.
    #[command(subcommand)]
    Billing(BillingCommand),
}

#[derive(Subcommand)]
pub enum BillingCommand {
    /// Bring products, prices, the customers' portal and the webhook's endpoint to Stripe as the catalogue here has them. A price never changes: a new
    /// one takes its place, and whoever has the old one keeps it. Done twice, it changes nothing.
    Sync(BillingSyncArgs),
}

#[derive(Args)]
pub struct BillingSyncArgs {
    #[command(flatten)]
    pub control_plane: ControlPlaneArgs,
    /// Say what would be done, and do nothing.
    #[arg(long)]
    pub dry_run: bool,
    /// Where the secret of a new webhook endpoint is written, instead of the terminal.
    #[arg(long)]
    pub webhook_secret_file: Option<PathBuf>,
}

#[derive(Subcommand)]
pub enum PeopleCommand {
    /// Erase somebody for good: name, e-mail address, password, sessions, API tokens, second factor, passkeys and memberships. An account that they alone
    /// own is closed; as long as one of those has servers, nobody is erased.
    Erase(EraseArgs),
}

#[derive(Args)]
pub struct EraseArgs {
    #[command(flatten)]
    pub control_plane: ControlPlaneArgs,
    /// Whom. Be sure that it is they who ask.
    pub email: String,
}

#[derive(Subcommand)]
pub enum SettingsCommand {
    /// Print them.
    Get(ControlPlaneArgs),
    /// Change those that are given.
    Set(SettingsArgs),
}

#[derive(Args)]
pub struct SettingsArgs {
    #[command(flatten)]
    pub control_plane: ControlPlaneArgs,
    #[command(flatten)]
    pub wanted: WantedSettings,
}

#[derive(Args)]
#[group(required = true, multiple = true)]
pub struct WantedSettings {
    /// `open`, `by_approval` or `closed`.
    #[arg(long)]
    pub new_servers: Option<String>,
    /// What the public reads where new servers are not open.
    #[arg(long)]
    pub new_servers_sentence: Option<String>,
    /// Accounts for whoever asks: `open`, `by_approval` or `closed`.
    #[arg(long)]
    pub sign_ups: Option<String>,
    /// Servers that an account may have.
    #[arg(long)]
    pub servers_per_account: Option<i32>,
    /// Whom customers write to.
    #[arg(long)]
    pub support_address: Option<String>,
    /// Without billing: whether every launch is granted.
    #[arg(long)]
    pub grant_every_launch: Option<bool>,
}

#[derive(Args)]
pub struct AllowServersArgs {
    #[command(flatten)]
    pub control_plane: ControlPlaneArgs,
    /// Whose.
    pub email: String,
    /// Without it, as the settings say.
    pub servers: Option<i32>,
}

#[derive(Args)]
pub struct VerifyAuditArgs {
    #[command(flatten)]
    pub control_plane: ControlPlaneArgs,
    /// An anchor as the worker's log told it, which the record has to agree with; may be given more than once.
    #[arg(long = "anchor")]
    pub anchors: Vec<Anchor>,
}

#[derive(Args)]
pub struct RemoveSecondFactorArgs {
    #[command(flatten)]
    pub control_plane: ControlPlaneArgs,
    /// Whose. Be sure that it is they who ask.
    pub email: String,
}

#[derive(Args)]
pub struct SetupArgs {
    #[command(flatten)]
    pub control_plane: ControlPlaneArgs,
    /// Whom customers write to; stands under every error.
    #[arg(long)]
    pub support_address: String,
    /// `open`, `by_approval` or `closed`.
    #[arg(long, default_value = "open")]
    pub new_servers: String,
    /// What the public reads where new servers are not open.
    #[arg(long, default_value = "")]
    pub new_servers_sentence: String,
    /// Accounts for whoever asks: `open`, `by_approval` or `closed`.
    #[arg(long, default_value = "open")]
    pub sign_ups: String,
    /// Servers that an account may have.
    #[arg(long, default_value_t = 1)]
    pub servers_per_account: i32,
    /// Without billing: every launch is granted.
    #[arg(long)]
    pub grant_every_launch: bool,
}

#[derive(Args)]
pub struct PersonArgs {
    #[command(flatten)]
    pub control_plane: ControlPlaneArgs,
    pub email: String,
    #[arg(long, default_value = "")]
    pub name: String,
    /// A file with the password to sign in with; without one, and where there was none before, a link to set one is printed. Of somebody who is
    /// there already it ends all sessions, API tokens and links.
    #[arg(long)]
    pub password_file: Option<PathBuf>,
    /// Servers that the account may have; without it as the settings say.
    #[arg(long)]
    pub servers_allowed: Option<i32>,
}

#[derive(Args)]
pub struct TokenArgs {
    #[command(flatten)]
    pub control_plane: ControlPlaneArgs,
    /// Whose.
    pub email: String,
    #[arg(long, default_value = "made by howdah admin")]
    pub name: String,
    /// What it may be used for: read, write, people, operate.
    #[arg(long = "scope", value_delimiter = ',', default_value = "read,write")]
    pub scopes: Vec<String>,
    /// For how long.
    #[arg(long, default_value = "90d", value_parser = humantime::parse_duration)]
    pub valid: Duration,
}

#[derive(Args)]
pub struct PlaceArgs {
    #[command(flatten)]
    pub control_plane: ControlPlaneArgs,
    #[arg(value_enum)]
    pub kind: PlaceKind,
    pub name: String,
    /// Servers that find room there.
    #[arg(long)]
    pub capacity: i32,
    /// A pod profile of the operator's configuration; of clusters only.
    #[arg(long, default_value = "default")]
    pub placement: String,
    /// Where new servers go unless told otherwise.
    #[arg(long)]
    pub default: bool,
}

#[derive(Clone, Copy, ValueEnum)]
pub enum PlaceKind {
    Cluster,
    DatabaseServer,
    ObjectStore,
}
