//! `howdah admin …`: what is done on the machine itself, before anybody can sign in.

use anyhow::Context;
use chrono::TimeDelta;
use howdah_app::admin::{self, Erased, PersonRequest, Place};
use howdah_app::settings::{self, PlatformSettings, SettingsChange};
use howdah_app::upkeep::{self, OrphanView};
use howdah_app::{Error, Scope};
use howdah_db::seal::KeyRing;
use secrecy::ExposeSecret;

use super::billing;
use crate::args::admin::{
    AdminCommand, BillingCommand, PeopleCommand, PersonArgs, PlaceArgs, PlaceKind, SettingsArgs, SettingsCommand, SetupArgs, TokenArgs,
    VerifyAuditArgs, WantedSettings,
};
use crate::args::control_plane::ControlPlaneArgs;
use crate::args::read_secret;

pub async fn run(command: AdminCommand) -> anyhow::Result<()> {
    match command {
        AdminCommand::NewKey { id } => println!("{}", KeyRing::generate(&id)),
        AdminCommand::Setup(args) => setup(args).await?,
        AdminCommand::AddOperator(args) => add_person(args, true).await?,
        AdminCommand::AddCustomer(args) => add_person(args, false).await?,
        AdminCommand::AddToken(args) => add_token(args).await?,
        AdminCommand::AddPlace(args) => add_place(args).await?,
        AdminCommand::Settings(SettingsCommand::Get(args)) => print(&settings::current(&args.app()?).await.map_err(said)?),
        AdminCommand::Settings(SettingsCommand::Set(args)) => set(args).await?,
        AdminCommand::Orphans(args) => orphans(&args).await?,
        AdminCommand::VerifyAudit(args) => verify_audit(&args).await?,
        AdminCommand::RemoveSecondFactor(args) => {
            upkeep::remove_second_factor(&args.control_plane.app()?, &args.email).await.map_err(said)?;
            println!("{} signs in by password alone, and a mail says so", args.email);
        }
        AdminCommand::People(PeopleCommand::Erase(args)) => {
            let Erased { left, closed } = admin::erase_person(&args.control_plane.app()?, &args.email).await.map_err(said)?;
            println!("{} is erased: out of {left} accounts that go on, and {closed} of their own are closed", args.email);
        }
        AdminCommand::Billing(BillingCommand::Sync(args)) => billing::sync(args).await?,
        AdminCommand::RewrapKeys(args) => println!("{} data keys wrapped anew", upkeep::rewrap_keys(&args.app()?).await.map_err(said)?),
        AdminCommand::AllowServers(args) => {
            upkeep::allow_servers(&args.control_plane.app()?, &args.email, args.servers).await.map_err(said)?;
            println!(
                "{} may have {}",
                args.email,
                args.servers.map_or("as many servers as the settings say".to_owned(), |it| format!("{it} servers"))
            );
        }
    }
    Ok(())
}

fn print(settings: &PlatformSettings) {
    let PlatformSettings { new_servers, new_servers_sentence, sign_ups, servers_per_account, support_address, grant_every_launch, .. } =
        settings;
    println!("new-servers = {}", new_servers.as_str());
    println!("new-servers-sentence = {new_servers_sentence}");
    println!("sign-ups = {}", sign_ups.as_str());
    println!("servers-per-account = {servers_per_account}");
    println!("support-address = {}", support_address.as_deref().unwrap_or_default());
    println!("grant-every-launch = {grant_every_launch}");
}

async fn set(args: SettingsArgs) -> anyhow::Result<()> {
    let WantedSettings { new_servers, new_servers_sentence, sign_ups, servers_per_account, support_address, grant_every_launch } =
        args.wanted;
    let edit = |change: &mut SettingsChange| {
        change.new_servers = new_servers.unwrap_or_else(|| std::mem::take(&mut change.new_servers));
        change.new_servers_sentence = new_servers_sentence.unwrap_or_else(|| std::mem::take(&mut change.new_servers_sentence));
        change.sign_ups = sign_ups.unwrap_or_else(|| std::mem::take(&mut change.sign_ups));
        change.servers_per_account = servers_per_account.unwrap_or(change.servers_per_account);
        change.support_address = support_address.unwrap_or_else(|| std::mem::take(&mut change.support_address));
        change.grant_every_launch = grant_every_launch.unwrap_or(change.grant_every_launch);
    };
    print(&upkeep::change_settings(&args.control_plane.app()?, edit).await.map_err(said)?);
    Ok(())
}

async fn orphans(args: &ControlPlaneArgs) -> anyhow::Result<()> {
    let found = upkeep::orphans(&args.app()?).await.map_err(said)?;
    for OrphanView { cluster, kind, name, found_at } in &found {
        println!("{cluster}\t{kind}\t{name}\tsince {}", found_at.to_rfc3339());
    }
    println!("{} orphans", found.len());
    Ok(())
}

async fn verify_audit(args: &VerifyAuditArgs) -> anyhow::Result<()> {
    let app = args.control_plane.app()?;
    let (chains, entries, broken) = upkeep::verify_audit(&app).await.map_err(said)?;
    println!("{chains} chains, {entries} entries in those that are whole");
    for it in &broken {
        println!("{it}");
    }
    let (anchors, torn) = upkeep::verify_anchors(&app, &args.anchors).await.map_err(said)?;
    println!("{anchors} anchors hold");
    for it in &torn {
        println!("{it}");
    }
    let anchoring = upkeep::verify_anchoring(&app).await.map_err(said)?;
    anyhow::ensure!(broken.is_empty(), "{} of the audit's chains are broken", broken.len());
    anyhow::ensure!(torn.is_empty(), "{} of the audit's anchors do not hold", torn.len());
    anchoring.context("the audit is not anchored")
}

async fn setup(args: SetupArgs) -> anyhow::Result<()> {
    let app = args.control_plane.app()?;
    let change = SettingsChange {
        new_servers: args.new_servers,
        new_servers_sentence: args.new_servers_sentence,
        sign_ups: args.sign_ups,
        servers_per_account: args.servers_per_account,
        support_address: args.support_address,
        grant_every_launch: args.grant_every_launch,
    };
    match settings::found(&app, &change).await.map_err(said)? {
        true => println!("the platform is set up"),
        false => println!("the platform was set up before; its settings stay as they are"),
    }
    Ok(())
}

async fn add_person(args: PersonArgs, is_operator: bool) -> anyhow::Result<()> {
    let app = args.control_plane.app()?;
    let password = args.password_file.as_deref().map(read_secret).transpose()?.map(Into::into);
    let request =
        PersonRequest { email: args.email.clone(), name: args.name, is_operator, password, servers_allowed: args.servers_allowed };
    let added = admin::add_person(&app, &request).await.map_err(said)?;
    println!("{} {} has account {}", if added.is_new { "added:" } else { "was there:" }, args.email, added.account);
    if let Some(link) = added.link {
        println!("without a password; set one within a day at {}", link.expose_secret());
    }
    Ok(())
}

async fn add_token(args: TokenArgs) -> anyhow::Result<()> {
    let app = args.control_plane.app()?;
    let scopes = args.scopes.iter().map(|it| Scope::parse(it).with_context(|| format!("--scope {it}: read, write, people or operate")));
    let scopes: Vec<Scope> = scopes.collect::<Result<_, _>>()?;
    let valid = TimeDelta::from_std(args.valid).context("--valid is too long")?;
    let new = admin::add_token(&app, &args.email, &args.name, &scopes, valid).await.map_err(said)?;
    println!("{}", new.token.expose_secret());
    Ok(())
}

async fn add_place(args: PlaceArgs) -> anyhow::Result<()> {
    let app = args.control_plane.app()?;
    let PlaceArgs { name, capacity, placement, default: is_default, kind, .. } = args;
    let place = match kind {
        PlaceKind::Cluster => Place::Cluster { name: name.clone(), placement, capacity, is_default },
        PlaceKind::DatabaseServer => Place::DatabaseServer { name: name.clone(), capacity, is_default },
        PlaceKind::ObjectStore => Place::ObjectStore { name: name.clone(), capacity, is_default },
    };
    match admin::add_place(&app, &place).await.map_err(said)? {
        true => println!("recorded {name}"),
        false => println!("{name} was recorded before; it stays as it is"),
    }
    Ok(())
}

/// Whoever runs this may know the inside of an error.
pub(super) fn said(error: Error) -> anyhow::Error {
    anyhow::Error::new(error)
}
