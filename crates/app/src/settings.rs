//! What an operator decides for the whole platform, at any time.

use chrono::{DateTime, TimeDelta, Utc};
use howdah_db::Conn;
use howdah_db::models::audit::{Actor as AuditActor, Record};
use howdah_db::models::settings::{Settings as Row, SettingsValues};
use howdah_domain::billing::{Provider, standing_at_launch};
use howdah_domain::{EmailAddress, NewServers, Standing};
use serde_json::json;
use uuid::Uuid;

use crate::{Actor, App, Error, FieldError};

/// How long the media host of a server that has moved leads to where its media is.
pub(crate) const MOVED_OUT: TimeDelta = TimeDelta::days(365);

/// The audit's chain for what concerns no account.
pub(crate) const PLATFORM_CHAIN: Uuid = Uuid::nil();

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlatformSettings {
    pub new_servers: NewServers,
    /// What the public reads where new servers are not open.
    pub new_servers_sentence: String,
    /// Whether accounts are made for whoever asks.
    pub sign_ups: NewServers,
    /// For accounts without a number of their own.
    pub servers_per_account: i32,
    pub support_address: Option<String>,
    /// With billing off: every launch is granted.
    pub grant_every_launch: bool,
    /// Rises with every change.
    pub revision: i64,
    pub updated_at: DateTime<Utc>,
}

impl PlatformSettings {
    /// What is paid for is not, at first.
    pub(crate) fn standing_at_launch(&self, app: &App) -> Standing {
        match app.billing {
            Some(_) => Standing::Incomplete,
            None => standing_at_launch(Provider::None { grant_every_launch: self.grant_every_launch }),
        }
    }
}

/// What is to be set; everything, so that nothing is changed by leaving it out.
#[derive(Debug, Clone)]
pub struct SettingsChange {
    pub new_servers: String,
    pub new_servers_sentence: String,
    /// As `new_servers`.
    pub sign_ups: String,
    pub servers_per_account: i32,
    pub support_address: String,
    pub grant_every_launch: bool,
}

impl Default for SettingsChange {
    /// What a new installation begins with.
    fn default() -> Self {
        Self {
            new_servers: NewServers::Open.as_str().to_owned(),
            new_servers_sentence: String::new(),
            sign_ups: NewServers::Open.as_str().to_owned(),
            servers_per_account: 1,
            support_address: String::new(),
            grant_every_launch: false,
        }
    }
}

impl From<&PlatformSettings> for SettingsChange {
    /// To leave everything as it is.
    fn from(now: &PlatformSettings) -> Self {
        Self {
            new_servers: now.new_servers.as_str().to_owned(),
            new_servers_sentence: now.new_servers_sentence.clone(),
            sign_ups: now.sign_ups.as_str().to_owned(),
            servers_per_account: now.servers_per_account,
            support_address: now.support_address.clone().unwrap_or_default(),
            grant_every_launch: now.grant_every_launch,
        }
    }
}

struct Checked {
    new_servers: NewServers,
    sign_ups: NewServers,
    support_address: EmailAddress,
}

impl SettingsChange {
    fn check(&self) -> Result<Checked, Error> {
        let mut fields = Vec::new();
        let new_servers = NewServers::parse(&self.new_servers);
        if new_servers.is_none() {
            let sentence = "New servers are “open”, “by_approval” or “closed”.".to_owned();
            fields.push(FieldError { field: "new_servers", reason: "unknown", sentence });
        }
        let sign_ups = NewServers::parse(&self.sign_ups);
        if sign_ups.is_none() {
            let sentence = "Sign-ups are “open”, “by_approval” or “closed”.".to_owned();
            fields.push(FieldError { field: "sign_ups", reason: "unknown", sentence });
        }
        if self.new_servers_sentence.chars().count() > 500 {
            let sentence = "The sentence for the public has at most 500 characters.".to_owned();
            fields.push(FieldError { field: "new_servers_sentence", reason: "too_long", sentence });
        }
        if self.servers_per_account < 0 {
            let sentence = "An account may have 0 servers or more.".to_owned();
            fields.push(FieldError { field: "servers_per_account", reason: "too_small", sentence });
        }
        let support_address = self.support_address.parse().map_err(|it| fields.push(FieldError::of("support_address", &it)));
        match (new_servers, sign_ups, support_address) {
            (Some(new_servers), Some(sign_ups), Ok(support_address)) if fields.is_empty() => {
                Ok(Checked { new_servers, sign_ups, support_address })
            }
            _ => Err(Error::Invalid { fields }),
        }
    }

    fn values<'a>(&'a self, checked: &'a Checked) -> SettingsValues<'a> {
        SettingsValues {
            new_servers: checked.new_servers.as_str(),
            new_servers_sentence: &self.new_servers_sentence,
            servers_per_account: self.servers_per_account,
            support_address: Some(checked.support_address.as_str()),
            grant_every_launch: self.grant_every_launch,
            sign_ups: Some(checked.sign_ups.as_str()),
        }
    }
}

/// Writes the first settings; what is there already stays. True where they were written.
///
/// # Errors
/// [`Error::Invalid`], without a support address above all: nobody shall be left without somebody to write to.
pub async fn found(app: &App, change: &SettingsChange) -> Result<bool, Error> {
    let mut conn = app.conn().await?;
    if Row::get(&conn).await?.is_some() {
        return Ok(false);
    }
    let checked = change.check()?;
    Ok(Row::found(&mut conn, &change.values(&checked), app.now()).await?)
}

/// What applies now. For anybody: the sentence for the public is public.
///
/// # Errors
/// [`Error::Internal`] before the platform was set up.
pub async fn current(app: &App) -> Result<PlatformSettings, Error> {
    read(&*app.conn().await?).await
}

/// All of them, what is not the public's too.
///
/// # Errors
/// [`Error::Forbidden`] for all but operators.
pub async fn get(app: &App, actor: &Actor) -> Result<PlatformSettings, Error> {
    actor.may_operate()?;
    current(app).await
}

/// Changes them. `revision` is the one that the actor knows: without one, whatever applies now is changed.
///
/// # Errors
/// [`Error::Forbidden`] for all but operators, [`Error::Invalid`], [`Error::PreconditionFailed`].
pub async fn change(app: &App, actor: &Actor, revision: Option<i64>, change: &SettingsChange) -> Result<PlatformSettings, Error> {
    actor.may_operate()?;
    let revision = match revision {
        Some(it) => it,
        None => current(app).await?.revision,
    };
    write(app, crate::instances::audit_actor(actor), revision, change).await
}

pub(crate) async fn write(app: &App, actor: AuditActor, revision: i64, change: &SettingsChange) -> Result<PlatformSettings, Error> {
    let checked = change.check()?;
    let mut conn = app.conn().await?;
    howdah_db::transaction(&mut conn, async |conn| {
        let row = Row::change(conn, revision, &change.values(&checked), app.now()).await?.ok_or(Error::PreconditionFailed)?;
        let record = Record {
            chain_id: PLATFORM_CHAIN,
            at: app.now(),
            actor,
            action: "settings.change",
            subject_kind: "settings",
            subject_id: None,
            details: json!({
                "new_servers": row.new_servers,
                "new_servers_sentence": row.new_servers_sentence,
                "support_address": row.support_address,
                "sign_ups": row.sign_ups,
                "servers_per_account": row.servers_per_account,
                "grant_every_launch": row.grant_every_launch,
            }),
        };
        record.insert(conn).await?;
        of(row)
    })
    .await
}

pub(crate) async fn read(conn: &Conn) -> Result<PlatformSettings, Error> {
    let row = Row::get(conn).await?.ok_or_else(|| Error::internal("the platform has no settings: it was never set up"))?;
    of(row)
}

fn of(row: Row) -> Result<PlatformSettings, Error> {
    let new_servers = NewServers::parse(&row.new_servers).ok_or_else(|| Error::internal("settings.new_servers is none of its words"))?;
    let sign_ups = row.sign_ups.as_deref().map_or(Some(NewServers::Open), NewServers::parse);
    let sign_ups = sign_ups.ok_or_else(|| Error::internal("settings.sign_ups is none of its words"))?;
    Ok(PlatformSettings {
        new_servers,
        sign_ups,
        new_servers_sentence: row.new_servers_sentence,
        servers_per_account: row.servers_per_account,
        support_address: row.support_address,
        grant_every_launch: row.grant_every_launch,
        revision: row.revision,
        updated_at: row.updated_at,
    })
}
