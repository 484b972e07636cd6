//! `howdah admin …`: what is done on the machine itself, before anybody can sign in.

use anyhow::Context;
use chrono::TimeDelta;
use howdah_app::admin::{self, PersonRequest, Place};
use howdah_app::settings::{self, SettingsChange};
use howdah_app::{Error, Scope};
use howdah_db::seal::KeyRing;
use secrecy::ExposeSecret;

use crate::args::admin::{AdminCommand, PersonArgs, PlaceArgs, PlaceKind, SetupArgs, TokenArgs};
use crate::args::read_secret;

pub async fn run(command: AdminCommand) -> anyhow::Result<()> {
    match command {
        AdminCommand::NewKey { id } => println!("{}", KeyRing::generate(&id)),
        AdminCommand::Setup(args) => setup(args).await?,
        AdminCommand::AddOperator(args) => add_person(args, true).await?,
        AdminCommand::AddCustomer(args) => add_person(args, false).await?,
        AdminCommand::AddToken(args) => add_token(args).await?,
        AdminCommand::AddPlace(args) => add_place(args).await?,
    }
    Ok(())
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
    let scopes = args.scopes.iter().map(|it| Scope::parse(it).with_context(|| format!("--scope {it}: read, write or operate")));
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
fn said(error: Error) -> anyhow::Error {
    anyhow::Error::new(error)
}
