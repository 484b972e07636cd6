//! Imports as people see them.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use howdah_db::Conn;
use howdah_db::models::import::Import;
use howdah_db::models::import_pull::ImportPull;
use howdah_db::models::instance::{Instance, Page};
use howdah_db::models::operation::Operation;
use howdah_domain::{ImportId, InstanceId, StepName};
use uuid::Uuid;

use super::seen::Seen;
use super::seen_by;
use crate::jobs::manifest;
use crate::{Actor, App, Error};

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImportView {
    pub id: ImportId,
    /// `upload` or `export`.
    pub source: String,
    pub state: ImportState,
    /// The server that it became, and its name in addresses.
    pub instance: Option<(InstanceId, String)>,
    /// It waits for a decision.
    pub is_rehearsing: bool,
    /// Where the rehearsal is looked at.
    pub preview_url: Option<String>,
    pub seen: Option<Seen>,
    pub seen_at: Option<DateTime<Utc>>,
    pub kept_until: DateTime<Utc>,
    pub created_at: DateTime<Utc>,
    /// The last that was begun.
    pub pull: Option<PullView>,
}

/// A bundle that is fetched from where it lies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PullView {
    /// Where it lies, without keys.
    pub source: String,
    /// `queued`, `running`, `done` or `failed`.
    pub state: String,
    /// That have arrived, as it told last.
    pub files: u64,
    pub bytes: u64,
    pub told_at: Option<DateTime<Utc>>,
    /// Why it broke off; of one that runs, why it did the last time.
    pub sentence: Option<String>,
    pub begun_at: DateTime<Utc>,
    pub ended_at: Option<DateTime<Utc>>,
}

impl PullView {
    #[must_use]
    pub const fn is_live(&self) -> bool {
        self.ended_at.is_none()
    }

    fn of(row: ImportPull) -> Self {
        let number = |it: i64| it.unsigned_abs();
        Self {
            files: number(row.files),
            bytes: number(row.bytes),
            source: row.source,
            state: row.state,
            told_at: row.told_at,
            sentence: row.sentence,
            begun_at: row.begun_at,
            ended_at: row.ended_at,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ImportState {
    /// What is brought can be looked at, and become a server.
    Open,
    /// It has become one, and waits for a decision or is on its way to it.
    Launched,
    /// It takes its old one's place, or has taken it.
    Accepted,
    /// It was thrown away, or its time is over.
    Gone,
}

impl ImportState {
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Launched => "launched",
            Self::Accepted => "accepted",
            Self::Gone => "gone",
        }
    }
}

/// # Errors
/// [`Error::NotFound`].
pub async fn get(app: &App, actor: &Actor, id: ImportId) -> Result<ImportView, Error> {
    actor.may_read()?;
    let mut conn = app.conn().await?;
    let import = seen_by(&mut conn, actor, id).await?;
    view_of(app, &mut conn, import).await
}

/// The one that a server is of.
///
/// # Errors
/// [`Error::NotFound`].
pub async fn of_server(app: &App, actor: &Actor, server: InstanceId) -> Result<ImportId, Error> {
    actor.may_read()?;
    let mut conn = app.conn().await?;
    let found = Import::of_instance(&mut conn, server.as_uuid()).await?;
    Ok(ImportId::from_uuid(super::of_account(found, actor)?.id))
}

/// The account's, the newest first.
///
/// # Errors
/// The record's.
pub async fn list(app: &App, actor: &Actor, page: Page) -> Result<Vec<ImportView>, Error> {
    actor.may_read()?;
    let mut conn = app.conn().await?;
    let rows = Import::page_of_account(&mut conn, actor.account.as_uuid(), page).await?;
    views(app, &mut conn, rows).await
}

pub(super) async fn view_of(app: &App, conn: &mut Conn, import: Import) -> Result<ImportView, Error> {
    views(app, conn, vec![import]).await?.pop().ok_or(Error::NotFound { what: "import" })
}

/// Some questions for all of them.
async fn views(app: &App, conn: &mut Conn, imports: Vec<Import>) -> Result<Vec<ImportView>, Error> {
    let ids: Vec<Uuid> = imports.iter().filter_map(|it| it.instance_id).collect();
    let slugs = Instance::slugs(conn, &ids).await?;
    let mut rehearsing = BTreeSet::new();
    for (row, steps) in Operation::live_of(conn, &ids).await? {
        if row.with_steps(&steps)?.current_step().is_some_and(|it| it.name == StepName::Rehearsal) {
            rehearsing.insert(row.instance_id);
        }
    }
    let imported: Vec<Uuid> = imports.iter().map(|it| it.id).collect();
    let mut pulls: BTreeMap<Uuid, PullView> =
        ImportPull::of_imports(conn, &imported).await?.into_iter().map(|it| (it.import_id, PullView::of(it))).collect();
    let view = |import: Import| {
        let pull = pulls.remove(&import.id);
        let slug = slugs.iter().find(|(id, _)| Some(*id) == import.instance_id);
        let instance = slug.map(|(id, slug)| (InstanceId::from_uuid(*id), slug.clone()));
        let is_undecided = import.accepted_at.is_none() && import.deleted_at.is_none();
        let is_rehearsing = is_undecided && import.instance_id.is_some_and(|it| rehearsing.contains(&it));
        ImportView { pull, ..view(app, import, instance, is_rehearsing) }
    };
    Ok(imports.into_iter().map(view).collect())
}

fn view(app: &App, import: Import, instance: Option<(InstanceId, String)>, is_rehearsing: bool) -> ImportView {
    let state = match (import.deleted_at, import.instance_id, import.accepted_at) {
        (Some(_), _, None) => ImportState::Gone,
        // Thrown away before its time was over: taken back.
        (Some(deleted), _, Some(_)) if deleted < import.kept_until => ImportState::Gone,
        (_, _, Some(_)) => ImportState::Accepted,
        (None, Some(_), None) => ImportState::Launched,
        // Its files go with the next ticks.
        (None, None, None) if app.now() >= import.kept_until => ImportState::Gone,
        (None, None, None) => ImportState::Open,
    };
    ImportView {
        id: ImportId::from_uuid(import.id),
        preview_url: preview_url(app, &import).filter(|_| is_rehearsing),
        is_rehearsing,
        source: import.source,
        state,
        instance,
        // What another version wrote, and this one can't read, is looked for anew.
        seen: import.seen.and_then(|it| serde_json::from_value(it).ok()),
        seen_at: import.seen_at,
        kept_until: import.kept_until,
        created_at: import.created_at,
        pull: None,
    }
}

fn preview_url(app: &App, import: &Import) -> Option<String> {
    app.config.names.platform_domains.first().map(|it| format!("https://{}/", manifest::preview_host(import.id, it)))
}
